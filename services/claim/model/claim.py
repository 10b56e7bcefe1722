"""A claim: what somebody complains about, who handles it, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.claim import policies
from services.claim.model import refusals
from services.claim.model.guards import Asking
from services.claim.model.parts import REQUESTER, Comment, acting_as, observer_party, party_of
from services.claim.model.record import ClaimRecord
from services.claim.model.states import (
    CLOSED,
    FINAL,
    IN_PROGRESS,
    MERGED,
    PLATFORM_REVIEW,
    REFUSED,
    RESOLVED,
    SOLUTION_PROPOSED,
    SUBMITTED,
    WITHDRAWN,
)
from services.claim.policies import COORDINATORS, PLATFORM, SELLER
from shared.kernel.clock import stamp


@dataclass(kw_only=True)
class Claim(ClaimRecord):
    """The commands of a claim, CLM-02 to CLM-24 (spec 5.3). Each raises a Refusal or changes the claim and tells it."""

    # handling

    def start(self, asking: Asking) -> None:
        """CLM-02."""
        self._move(self._row("start", asking), IN_PROGRESS, asking)

    def choose_replacement(
        self,
        asking: Asking,
        return_instructions: str | None = None,
        replacement_order_id: str | None = None,
        return_id: str | None = None,
    ) -> None:
        """CLM-03: the seller sends a replacement, an order at price 0 (S2-12); the requester says when it is well.

        return_id: of the return by which what is replaced comes back (S2-13).
        """
        row = self._row("choose_replacement", asking)
        self.resolution = {"kind": "replacement", "status": "agreed", "by": acting_as(asking.who.role)}
        carried_out = {"replacement_order_id": replacement_order_id, "return_id": return_id}
        self.resolution |= {name: id for name, id in carried_out.items() if id}
        extra = {"return_instructions": return_instructions} if return_instructions else {}
        facts = self._resolution_facts()
        self._move(row, SOLUTION_PROPOSED, asking, awaiting=REQUESTER, lines=self.lines, **facts, **extra)

    def replacement_sent(self, asking: Asking) -> None:
        """CLM-05 for a replacement: all of its order has left. Where nobody decided yet the requester does (CLM-08)."""
        row = self._row("replacement_sent", asking)
        self.resolution = {**(self.resolution or {}), "status": "executed"}
        awaiting = REQUESTER if self.state == SOLUTION_PROPOSED else self.awaiting
        self._move(row, self.state, asking, awaiting=awaiting, **self._resolution_facts())

    def replacement_failed(self, asking: Asking, error: str) -> None:
        """CLM-06 for a replacement that cannot be sent: the handler chooses again."""
        row = self._row("replacement_failed", asking)
        facts = self._resolution_facts()
        self.resolution = None
        self._move(row, IN_PROGRESS, asking, awaiting=self.handler, error=error, **facts)

    def await_refund_of_return(self, asking: Asking, return_id: str, refund_id: str) -> None:
        """RET-08: the goods are back; the refund service pays for them under this id, the claim waits for it."""
        row = self._row("await_refund_of_return", asking)
        self.resolution = {
            "kind": "refund",
            "status": "executing",
            "by": acting_as(asking.who.role),
            "refund_id": refund_id,
            "return_id": return_id,
        }
        self._move(row, row.targets[0], asking, awaiting=None, **self._resolution_facts())

    def choose_refund(self, asking: Asking, kind: str, refund_id: str, refund: dict[str, Any]) -> None:
        """CLM-04: a refund is asked of the refund service, which reserves it or refuses it (CLM-06). One at a time."""
        row = self._row("choose_refund", asking)
        self._offered(kind, policies.EXECUTED_KINDS)
        self.resolution = {
            "kind": kind,
            "status": "executing",
            "by": acting_as(asking.who.role),
            "refund_id": refund_id,
        }
        self._move(row, row.targets[0], asking, awaiting=None, kind=kind, refund_id=refund_id, refund=refund)

    def refund_succeeded(self, asking: Asking) -> None:
        """CLM-05: paid; resolved at once where the profile says so, else the requester (or the platform) decides."""
        row = self._row("refund_succeeded", asking)
        self.resolution = {**(self.resolution or {}), "status": "executed"}
        at_once = self.profile.auto_resolve_on_refund
        target = RESOLVED if at_once else row.targets[-1]
        awaiting = None if at_once else (REQUESTER if target == SOLUTION_PROPOSED else PLATFORM)
        before = self._enter(target, asking, awaiting)
        self._tell(row.events[0], before, asking, **self._resolution_facts())
        if at_once:
            self._tell_resolved(before, asking)

    def refund_failed(self, asking: Asking, error: str) -> None:
        """CLM-06: refused or failed; the handler chooses again. `error` is the refund's stable code."""
        row = self._row("refund_failed", asking)
        facts = self._resolution_facts()
        self.resolution = None
        self._move(row, self.state, asking, awaiting=self.handler, error=error, **facts)

    def propose(self, asking: Asking, message_id: str, text: str, kind: str | None = None) -> None:
        """CLM-07: a solution in words, posted as a public comment with it."""
        row = self._row("propose", asking)
        offered = [k for k in self.profile.resolutions if k in policies.PROPOSED_KINDS]
        chosen = kind or offered[0]
        self._offered(chosen, policies.PROPOSED_KINDS)
        self.resolution = {"kind": chosen, "status": "proposed", "by": acting_as(asking.who.role)}
        self.last_handler_public_at = asking.now
        self.awaiting_manual = False
        message = {"message_id": message_id, "text": text}
        self._move(row, SOLUTION_PROPOSED, asking, awaiting=REQUESTER, kind=chosen, message=message)

    def confirm(self, asking: Asking) -> None:
        """CLM-08: the requester says that the problem is solved (S2-16)."""
        self._resolve(self._row("confirm", asking), asking)

    def reject(self, asking: Asking, reason: str) -> None:
        """CLM-09."""
        row = self._row("reject", asking)
        if self.resolution is not None:
            self.resolution = {**self.resolution, "status": "rejected"}
        facts = self._resolution_facts()
        self._move(row, IN_PROGRESS, asking, awaiting=self.handler, reason=reason, **facts)

    def confirm_by_time(self, asking: Asking) -> None:
        """CLM-10."""
        self._resolve(self._row("confirm_by_time", asking), asking)

    def resolve(self, asking: Asking) -> None:
        """CLM-13 by the platform, CLM-15 by a handler who may."""
        self._resolve(self._row("resolve", asking), asking)

    # arbitration

    def escalate(self, asking: Asking, reason: str) -> None:
        """CLM-11: the platform takes over."""
        row = self._row("escalate", asking)
        self.former_handler, self.handler = self.handler, PLATFORM
        self._move(row, PLATFORM_REVIEW, asking, awaiting=PLATFORM, reason=reason)

    def hand_back(self, asking: Asking) -> None:
        """CLM-12: to whoever handled it before; to the platform itself when nobody did."""
        row = self._row("hand_back", asking)
        self.handler = self.former_handler
        self._move(row, IN_PROGRESS, asking, awaiting=self.handler)

    def refuse(self, asking: Asking, reason_code: str) -> None:
        """CLM-14: not counted against the seller (S2-25)."""
        row = self._row("refuse", asking)
        self._move(row, REFUSED, asking, awaiting=None, reason_code=reason_code, counted=False)

    def appeal(self, asking: Asking, text: str) -> None:
        """CLM-18: once, within 14 days; holds the settlement again unless it was cleared meanwhile (A14)."""
        row = self._row("appeal", asking)
        self.appealed = True
        self.handler = PLATFORM
        self._hold_again(asking)
        self._move(row, PLATFORM_REVIEW, asking, awaiting=PLATFORM, reason=text, hold_mode=self.profile.hold)

    # ends

    def reopen(self, asking: Asking, reason: str | None = None) -> None:
        """CLM-17: by word, or by a customer's public message on a resolved claim."""
        row = self._row("reopen", asking)
        self._hold_again(asking)
        extra = {"reason": reason} if reason else {}
        self._move(row, IN_PROGRESS, asking, awaiting=self.handler, hold_mode=self.profile.hold, **extra)

    def close(self, asking: Asking) -> None:
        """CLM-19: for good. Raises AlreadyClosed for a closed one."""
        if self.state == CLOSED:
            raise refusals.AlreadyClosed(kind="claim", state=self.state, action="close")
        self._move(self._row("close", asking), CLOSED, asking, awaiting=None)

    def withdraw(self, asking: Asking, reason: str | None = None) -> None:
        """CLM-20."""
        extra = {"reason": reason} if reason else {}
        self._move(self._row("withdraw", asking), WITHDRAWN, asking, awaiting=None, **extra)

    def merge_into(self, asking: Asking, target: Claim) -> None:
        """CLM-21: into another open claim of the same requester. A merged claim is final, so no circle can arise."""
        row = self._row("merge", asking)
        same = target.tenant == self.tenant and target.customer_ref == self.customer_ref
        if target.id == self.id or not same or target.state in FINAL:
            raise refusals.MergeRefused()
        self.merged_into = target.id
        self._move(row, MERGED, asking, awaiting=None, target_id=target.id)

    # by hand

    def set_state(self, asking: Asking, target: str) -> None:
        """CLM-16: coordinators set the state, where the profile lets them."""
        row = self._row("set_state", asking)
        if target == self.state or target not in row.targets:
            raise refusals.TargetStateRefused(target=target, state=self.state)
        if self.state == RESOLVED:
            self._hold_again(asking)
        before = self._enter(target, asking, None if target == RESOLVED else self.handler)
        self._tell("claim.state_set", before, asking)
        if target == RESOLVED:
            self._tell_resolved(before, asking)
        elif before == RESOLVED:
            self._tell("claim.reopened", before, asking, hold_mode=self.profile.hold)

    def assign(self, asking: Asking, assignee: str | None) -> None:
        """CLM-22: to one coordinator, or back to everyone with None (A4)."""
        row = self._row("assign", asking)
        if assignee == self.assignee:
            raise refusals.NothingToDo()
        before, self.assignee = self.assignee, assignee
        self.updated_at = asking.now
        self._tell(row.events[0], self.state, asking, assignee_from=before)

    def set_awaiting(self, asking: Asking, party: str) -> None:
        """CLM-23: whose turn it is, by hand; lasts until the next public comment (A8)."""
        row = self._row("set_awaiting", asking)
        if party not in self._parties():
            raise refusals.PartyNotOnClaim(party=party)
        before = self.awaiting
        self._await(party, asking.now, manual=True)
        self._tell(row.events[0], self.state, asking, awaiting_from=before, manual=True)

    def add_observer(self, asking: Asking, kind: str, ref: str, scope: str = "all", masked: str | None = None) -> None:
        """CLM-24: an account, a supplier or an address that may read and comment, and never decide (I7).

        masked: what is shown of the address of one who follows by mail; the address itself is not kept here.
        """
        row = self._row("add_observer", asking)
        if ref == self.customer_ref or self._observer(kind, ref):
            raise refusals.ObserverRefused(ref=masked or ref)
        observer = {"kind": kind, "id": ref, "scope": scope, **({"masked": masked} if masked else {})}
        self.observers = [*self.observers, observer]
        self.updated_at = asking.now
        self._tell(row.events[0], self.state, asking, observer=observer)

    def remove_observer(self, asking: Asking, kind: str, ref: str) -> None:
        """CLM-24: he sees nothing of the claim from now on (T06)."""
        row = self._row("remove_observer", asking)
        observer = self._observer(kind, ref)
        if observer is None:
            raise refusals.NoSuchObserver(ref=ref)
        self.observers = [o for o in self.observers if o != observer]
        self.updated_at = asking.now
        if self.awaiting == observer_party(kind, ref):
            self._await(self.handler, asking.now)
        self._tell(row.events[0], self.state, asking, observer=observer)

    def rate(self, asking: Asking, score: int, comment: str | None) -> None:
        """B24: one answer per claim, which the requester may change for 7 days. Raises RatingClosed."""
        row = self._row("rate", asking)
        edited = self.rating is not None
        first = self.rating["first_at"] if self.rating else stamp(asking.now)
        self.rating = {"score": score, "comment": comment, "at": stamp(asking.now), "first_at": first}
        self.updated_at = asking.now
        said = {"comment": comment} if comment else {}
        self._tell(row.events[0], self.state, asking, score=score, edited=edited, **said)

    # what is said

    def hear(self, asking: Asking, comment: Comment) -> bool:
        """A public comment: starts the work (CLM-02), reopens what was resolved (CLM-17), or turns the waiting round.

        Comments may arrive in any order; an older one never undoes what a newer one did (I14). Answers whether
        anything changed.
        """
        if comment.author_role == "customer":
            return self._hear_requester(asking, comment.at)
        if self._speaks_for_handler(comment.author_role):
            return self._hear_handler(asking, comment.at)
        return False

    def hear_in_private(self, asking: Asking, comment: Comment) -> bool:
        """A private comment moves whose turn it is and nothing else: a question by the handler's side makes it that of
        whom it asks, an answer of him gives it back (S1-13). What was set by hand stays (A8)."""
        late = self.awaiting_since is not None and comment.at < self.awaiting_since
        if late or self.awaiting_manual or not self.is_open:
            return False
        author = party_of(comment.author_role, comment.author_id)
        if comment.asks is not None and self._speaks_for_handler(comment.author_role):
            return self._turn_to(self._asked(comment.asks), asking)
        if self.awaiting == author != self.handler:
            return self._turn_to(self.handler, asking)
        return False

    def _asked(self, asks: dict[str, str]) -> str | None:
        """The party that a question names; without an id the only one of that kind. None: takes no part."""
        parties = self._parties() | {COORDINATORS, PLATFORM}
        if asks["type"] == "supplier" and not asks.get("id"):
            suppliers = [each for each in parties if each.startswith("supplier:")]
            return suppliers[0] if len(suppliers) == 1 else None
        party = party_of(asks["type"], asks.get("id"))
        return party if party in parties else None

    def give_back_to_handler(self, asking: Asking) -> bool:
        """RET-07: what was agreed did not happen; the handler must look."""
        return self._turn_to(self.handler, asking)

    def _hear_requester(self, asking: Asking, at: datetime) -> bool:
        newest = self._is_newest(at)
        if self.last_customer_public_at is None or at > self.last_customer_public_at:
            self.last_customer_public_at = at
        if self.state == RESOLVED and at > self.state_since and self._passes("reopen", asking):
            self.awaiting_manual = False
            self.reopen(asking)
        elif newest:
            self._turn_to(self.handler, asking)
        return True

    def _hear_handler(self, asking: Asking, at: datetime) -> bool:
        newest = self._is_newest(at)
        if self.last_handler_public_at is None or at > self.last_handler_public_at:
            self.last_handler_public_at = at
        if self.state == SUBMITTED:
            self.awaiting_manual = False
            awaiting = REQUESTER if newest else self.awaiting
            self._move(self._row("start", asking), IN_PROGRESS, asking, awaiting=awaiting)
        elif newest:
            self._turn_to(REQUESTER, asking)
        return True

    def _is_newest(self, at: datetime) -> bool:
        spoken = [t for t in (self.last_customer_public_at, self.last_handler_public_at) if t is not None]
        return all(at >= t for t in spoken)

    def _turn_to(self, party: str | None, asking: Asking) -> bool:
        if party is None:
            return False
        self.awaiting_manual = False
        self.updated_at = asking.now
        if not self.is_open or self.executing or self.awaiting == party:
            return False
        row, before = self._row("hear", asking), self.awaiting
        self._await(party, asking.now)
        self._tell(row.events[0], self.state, asking, awaiting_from=before, manual=False)
        return True

    def _speaks_for_handler(self, role: str) -> bool:
        if role in ("seller", "integrator"):
            return self.handler == SELLER
        return role in ("coordinator", "platform_agent")
