"""What a claim may do, as data: profiles, reasons, routing, windows. Pure: time is an argument, nothing is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.claim.promises import Promises
from shared.kernel.money import value_of_units

SELLER, COORDINATORS, PLATFORM = "seller", "coordinators", "platform"
HANDLERS = (SELLER, COORDINATORS, PLATFORM)

# Refunds in these kinds are executed by the refund service; the claim waits for its outcome (CLM-04).
BY_INSTRUMENT = frozenset({"coupon", "paypal"})  # refunds that name how they are paid (S4-09, S4-10)
EXECUTED_KINDS = frozenset({"refund", "gesture"}) | BY_INSTRUMENT
AGREED_KINDS = frozenset({"replacement"})  # agreed at once, carried out by the handler (CLM-03)
PROPOSED_KINDS = frozenset({"proposal", "message"})  # said in words, accepted by the requester (CLM-07)
RESOLUTION_KINDS = EXECUTED_KINDS | AGREED_KINDS | PROPOSED_KINDS

# Once something left the warehouse or the order was cancelled, a request to cancel is decided by fact.
CANCELLABLE_PHASES = frozenset({"awaiting_payment", "paid", "preparing"})

INTERNAL = "internal"  # category of claims that the suite opens itself, for the coordinators alone

APPEAL_WINDOW = timedelta(days=14)  # model.md 7: time to gather proof, short enough to settle the order
RATING_EDITABLE = timedelta(days=7)  # B24
AUTO_CLOSE_AFTER = timedelta(days=30)  # the reopen window of the shipped profiles: nobody is cut off by it


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody complains. phases: order phases in which it makes sense, empty = every phase."""

    code: str
    handler: str
    labels: dict[str, str]
    phases: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    asks_cancellation: bool = False


def reason_from(entry: dict[str, Any]) -> Reason:
    """The reason that a profile's file, a marketplace's switches or a claim keep."""
    return Reason(
        code=entry["code"],
        handler=entry["handler"],
        labels=entry["labels"],
        phases=frozenset(entry.get("phases", ())),
        roles=frozenset(entry.get("roles", ())),
        asks_cancellation=entry.get("asks_cancellation", False),
    )


# Everywhere and always, whatever a profile or a marketplace offers: the law gives it (2011/83 article 9).
WITHDRAWAL = Reason(
    code="withdrawal",
    handler=SELLER,
    labels={"fr": "Rétractation", "en": "Withdrawal from the contract"},
    asks_cancellation=True,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of marketplace handles claims (spec 5.3, profile switches). Frozen on each claim at its opening.

    hold: `none`, `order` (all of it) or `disputed` (only what the claim is about).
    reopen_window_days: None = for ever. auto_confirm_business_days: None = off.
    closes_unresolved: its handler may close a claim that was answered but never resolved (CLM-19, discussion).
    who_may: roles per action, where fewer may than the transition table lets. sla: what is promised about time.
    requires_entitlement: only for who has a subscription to the product on the URL (S3-01).
    counts_in_score: its claims count in the seller's issue rate (S2-26). digest: of the data, where a tenant made it.
    """

    code: str
    version: int
    names: dict[str, str]
    category: str
    who_may_open: frozenset[str]
    routing: str  # a handler, or `by_reason`
    include_suppliers: bool
    manual_state: bool
    handler_may_resolve: bool
    requester_confirms: bool
    platform_arbitration: bool
    close_requires_answer: bool
    closes_unresolved: bool
    resolutions: tuple[str, ...]
    hold: str
    refund_execution: str
    refund_window: dict[str, int] | None
    auto_resolve_on_refund: bool
    auto_confirm_business_days: int | None
    reopen_window_days: int | None
    reasons: dict[str, Reason]
    state_labels: dict[str, dict[str, str]]
    handler_labels: dict[str, dict[str, str]] = field(default_factory=dict)
    who_may: dict[str, frozenset[str]] = field(default_factory=dict)
    sla: Promises | None = None
    counts_in_score: bool = False
    requires_entitlement: bool = False
    digest: str = ""

    @property
    def key(self) -> str:
        """`issue@1`, a tenant's own `issue@2#5d41402abc4b`: what a claim keeps of its profile."""
        own = f"#{self.digest}" if self.digest else ""
        return f"{self.code}@{self.version}{own}"

    def lets(self, role: str, action: str) -> bool:
        """Does the profile leave this action to this role? The system's own steps are not a profile's to forbid."""
        return role == "system" or action not in self.who_may or role in self.who_may[action]


def handler_for(profile: Profile, reason: Reason) -> str:
    """Who handles a claim with this reason: brand for the four delivery faults, platform otherwise (S2-02, S2-03)."""
    return reason.handler if profile.routing == "by_reason" else profile.routing


def reason_applies(reason: Reason, role: str, order_phase: str | None) -> bool:
    """Is the reason active for this role and this phase of the order? (CLM-01)"""
    return (not reason.roles or role in reason.roles) and (not reason.phases or order_phase in reason.phases)


def reopen_until(profile: Profile, resolved_at: datetime) -> datetime | None:
    """The last moment at which a resolved claim may be reopened; None = always (CLM-17)."""
    if profile.reopen_window_days is None:
        return None
    return resolved_at + timedelta(days=profile.reopen_window_days)


def auto_confirm_at(profile: Profile, proposed_at: datetime) -> datetime | None:
    """When a proposed solution counts as accepted; None = never by itself (CLM-10).

    Business days are Monday to Friday; the time of day stays.
    """
    days = profile.auto_confirm_business_days
    if days is None:
        return None
    at = proposed_at
    while days:
        at += timedelta(days=1)
        days -= at.weekday() < 5
    return at


def answered_last(handler_at: datetime | None, customer_at: datetime | None) -> bool:
    """Is the last public word the handler's? (CLM-19, S0-22)"""
    return handler_at is not None and (customer_at is None or handler_at > customer_at)


def cancellation_pending(reason: Reason, order_phase: str | None) -> bool:
    """Did the customer ask to cancel, and neither shipping nor a cancellation has decided it yet? (CLM-19)"""
    return reason.asks_cancellation and order_phase in CANCELLABLE_PHASES


def disputed_amount(claimed: Sequence[dict], order_lines: Sequence[dict], total: int) -> int:
    """What the claim is about, in minor units: the claimed units' gross, or the whole order when no line is named."""
    if not claimed:
        return total
    by_id = {line["line_id"]: line for line in order_lines}
    return sum(value_of_units(by_id[c["line_id"]]["gross"], by_id[c["line_id"]]["qty"], c["qty"]) for c in claimed)
