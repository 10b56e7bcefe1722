"""Guards of the transition table: each looks at a claim and at who asks when, and answers a refusal or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.claim import policies
from services.claim.model import refusals
from services.claim.model.states import RESOLVED
from shared.kernel.clock import moment
from shared.kernel.errors import Forbidden, NotInThisState, Refusal
from shared.kernel.principal import Principal

if TYPE_CHECKING:
    from services.claim.model.record import ClaimRecord


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, when, and what is known of the order at that moment.

    order_phase: None when the claim has no order. order_cleared: its settlement was cleared, so nothing holds it.
    """

    who: Principal
    now: datetime
    order_phase: str | None = None
    order_cleared: bool = False


Guard = Callable[["ClaimRecord", Asking], Refusal | None]


def handles_it(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    """A seller decides only what is his to handle, a coordinator not what the platform handles (S2-18)."""
    role = asking.who.role
    if role in ("seller", "integrator") and not asking.who.acts_for_seller(claim.seller_id):
        return Forbidden()
    if role in ("seller", "integrator") and claim.handler != policies.SELLER:
        return refusals.HandledByPlatform()
    if role == "coordinator" and claim.handler == policies.PLATFORM:
        return refusals.HandledByPlatform()
    return None


def takes_part(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    """The requester himself, or the seller of the order, whoever handles the claim."""
    role = asking.who.role
    if role == "customer" and asking.who.party != claim.customer_ref:
        return Forbidden()
    if role in ("seller", "integrator") and not asking.who.acts_for_seller(claim.seller_id):
        return Forbidden()
    return None


def nothing_executing(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    return refusals.ResolutionExecuting() if claim.executing else None


def executing(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if claim.executing:
        return None
    return NotInThisState(kind="resolution", state="not executing", action="end")


def awaits_replacement(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if claim.awaits_replacement:
        return None
    status = (claim.resolution or {}).get("status", "not chosen")
    return NotInThisState(kind="replacement", state=status, action="be carried out")


def _offers(kinds: frozenset[str]) -> Guard:
    def offered(claim: ClaimRecord, asking: Asking) -> Refusal | None:
        carried_out = kinds is not policies.PROPOSED_KINDS  # by the refund or the order service, for an order
        if kinds & set(claim.profile.resolutions) and not (carried_out and claim.order_id is None):
            return None
        return refusals.ResolutionNotOffered(profile=claim.profile.code)

    return offered


offers_refund = _offers(policies.EXECUTED_KINDS)
offers_replacement = _offers(policies.AGREED_KINDS)
offers_words = _offers(policies.PROPOSED_KINDS)


def platform_arbitrates(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    return None if claim.profile.platform_arbitration else refusals.NoArbitration(profile=claim.profile.code)


def handler_may_resolve(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    return None if claim.profile.handler_may_resolve else refusals.RequesterConfirms(profile=claim.profile.code)


def manual_state(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    return None if claim.profile.manual_state else refusals.StateIsNotManual(profile=claim.profile.code)


def confirms_itself(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    """The switch is set, and the requester has said nothing since the solution was proposed (CLM-10)."""
    said = claim.last_customer_public_at
    spoke = said is not None and said > claim.state_since
    if claim.profile.auto_confirm_business_days is None or spoke or not claim.confirmable:
        return refusals.AutoConfirmOff()
    return None


def within_reopen_window(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    until = policies.reopen_until(claim.profile, claim.state_since)
    if claim.state == RESOLVED and until is not None and asking.now > until:
        return refusals.ReopenWindowPassed()
    return None


def appeals_once_in_time(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if claim.appealed:
        return refusals.AlreadyAppealed()
    if asking.now > claim.state_since + policies.APPEAL_WINDOW:
        return refusals.AppealWindowPassed()
    return None


def closes_unresolved(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if claim.profile.closes_unresolved:
        return None
    return NotInThisState(kind="claim", state=claim.state, action="be closed")


def was_answered(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    """Where the profile asks for it, the last public word must be the handler's (S0-22)."""
    if not claim.profile.close_requires_answer:
        return None
    if policies.answered_last(claim.last_handler_public_at, claim.last_customer_public_at):
        return None
    return refusals.LastAnswerMissing()


def no_cancellation_pending(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if policies.cancellation_pending(claim.reason, asking.order_phase):
        return refusals.CancellationPending()
    return None


def rating_open(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    if claim.rating and asking.now > moment(claim.rating["first_at"]) + policies.RATING_EDITABLE:
        return refusals.RatingClosed()
    return None


def has_observers(claim: ClaimRecord, asking: Asking) -> Refusal | None:
    return None if claim.observers else refusals.NoSuchObserver(ref="nobody")
