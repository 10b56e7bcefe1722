"""What a claim is, and how each of its transitions is made: the row found, the state entered, the event told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.claim import policies
from services.claim.model import refusals
from services.claim.model.guards import Asking, handles_it
from services.claim.model.parts import REQUESTER, acting_as, observer_party, viewer
from services.claim.model.states import OPEN, RESOLVED, SOLUTION_PROPOSED
from services.claim.model.transitions import Row, rows_of, rows_open_to
from services.claim.policies import COORDINATORS, SELLER, Profile, Reason, reason_from
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotInThisState, Refusal
from shared.kernel.principal import Principal

# The commands that choose a resolution, and the kinds that each of them may choose.
_CHOOSES = {
    "choose_refund": policies.EXECUTED_KINDS,
    "choose_replacement": policies.AGREED_KINDS,
    "propose": policies.PROPOSED_KINDS,
}


@dataclass(kw_only=True)
class ClaimRecord(Aggregate):
    """One reported problem (spec 5.3). Amounts in minor units of `currency`.

    state_since: when the present state was reached; windows and timers count from it. awaiting: the party whose turn
    it is, None when nobody's. hold: it holds the order's settlement while it is open. resolution: the last one chosen,
    with its status. last_*_public_at: when each side last spoke in public. own_reason: the reason as the marketplace
    worded it, where it is none of the profile's. requester_name: as he was signed in, never in an event. words: what it
    is found by. due_at: when the next promise runs out, or ran out.
    """

    stream = "claim"

    profile: Profile
    number: str
    category: str
    marketplace: str
    order_id: str | None
    order_number: str | None
    seller_id: str | None
    customer_ref: str
    currency: str
    title: str
    description: str
    reason_code: str
    lines: list[dict[str, Any]]
    photos: list[str]
    handler: str
    former_handler: str
    state: str
    state_since: datetime
    opened_at: datetime
    updated_at: datetime
    hold: bool
    disputed: int
    assignee: str | None = None
    awaiting: str | None = None
    awaiting_since: datetime | None = None
    awaiting_manual: bool = False
    resolution: dict[str, Any] | None = None
    observers: list[dict[str, str]] = field(default_factory=list)
    appealed: bool = False
    merged_into: str | None = None
    last_handler_public_at: datetime | None = None
    last_customer_public_at: datetime | None = None
    product_id: str | None = None
    offer_id: str | None = None
    delivery_id: str | None = None
    requester_name: str | None = None
    own_reason: dict[str, Any] | None = None
    rating: dict[str, Any] | None = None
    words: str = " "
    due_at: datetime | None = None

    # what it is

    @property
    def reason(self) -> Reason:
        return reason_from(self.own_reason) if self.own_reason else self.profile.reasons[self.reason_code]

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def holds(self) -> bool:
        """Does this claim hold the order's settlement now? (SET-01, SET-02)"""
        return self.hold and self.is_open

    @property
    def executing(self) -> bool:
        return self.resolution is not None and self.resolution["status"] == "executing"

    @property
    def awaits_replacement(self) -> bool:
        """One was agreed, and neither rejected nor sent since."""
        chosen = self.resolution or {}
        return (chosen.get("kind"), chosen.get("status")) == ("replacement", "agreed")

    @property
    def confirmable(self) -> bool:
        """Is it the requester's silence that is waited for? What has not been sent yet cannot be well (CLM-10)."""
        return self.state == SOLUTION_PROPOSED and not self.awaits_replacement

    def attention(self, who: Principal) -> bool:
        """The red mark: is it this viewer's turn? With an assignee, only he among the coordinators is meant (A4)."""
        if self.awaiting is None or self.awaiting != viewer(who):
            return False
        return self.awaiting != COORDINATORS or self.assignee in (None, who.id)

    def allowed(self, asking: Asking) -> tuple[list[str], list[str]]:
        """What this asker may do now, and the kinds of resolution that he may choose (S2-11, S2-18); nothing of it will
        be refused for the claim's state."""
        rows = [row for row in rows_open_to(asking.who.role, self.state) if self._refusal(row, asking) is None]
        commands = {row.command for row in rows}
        kinds = frozenset().union(*(some for command, some in _CHOOSES.items() if command in commands))
        return sorted({row.name for row in rows}), [kind for kind in self.profile.resolutions if kind in kinds]

    # how a transition is made

    def _row(self, command: str, asking: Asking) -> Row:
        """The row that lets this happen. Raises Forbidden, NotInThisState, or what its guards say, in this order."""
        rows = [row for row in rows_of(command) if asking.who.role in row.roles]
        if not rows:
            raise Forbidden(action=command)
        here = [row for row in rows if self.state in row.sources]
        if not here:
            raise self._out_of_place(rows, asking) or NotInThisState(kind="claim", state=self.state, action=command)
        rows = here
        refused = [self._refusal(row, asking) for row in rows]
        for row, refusal in zip(rows, refused, strict=True):
            if refusal is None:
                return row
        raise refused[0] or Forbidden(action=command)

    def _out_of_place(self, rows: list[Row], asking: Asking) -> Refusal | None:
        """A seller who reaches for what the platform reviews learns that it is not his turn, not that it is over."""
        decides = any(handles_it in row.guards for row in rows)
        return handles_it(self, asking) if decides and self.is_open else None

    def _refusal(self, row: Row, asking: Asking) -> Refusal | None:
        if not self.profile.lets(asking.who.role, row.name):
            return Forbidden(action=row.name)
        for guard in row.guards:
            if refusal := guard(self, asking):
                return refusal
        return None

    def _passes(self, command: str, asking: Asking) -> bool:
        rows = rows_open_to(asking.who.role, self.state)
        return any(row.command == command and self._refusal(row, asking) is None for row in rows)

    def _offered(self, kind: str, of: frozenset[str]) -> None:
        if kind not in self.profile.resolutions or kind not in of:
            raise refusals.ResolutionNotOffered(profile=self.profile.code, kind=kind)

    def _move(self, row: Row, target: str, asking: Asking, **facts: Any) -> None:
        """Enter `target` and tell the row's event. `awaiting` among the facts is whose turn it becomes."""
        before = self._enter(target, asking, facts.pop("awaiting", self.awaiting))
        self._tell(row.events[0], before, asking, **facts)

    def _resolve(self, row: Row, asking: Asking) -> None:
        before = self._enter(RESOLVED, asking, None)
        self._tell_resolved(before, asking)

    def _enter(self, target: str, asking: Asking, awaiting: str | None) -> str:
        before, self.state = self.state, target
        if target != before:
            self.state_since = asking.now
        self.updated_at = asking.now
        # By hand lasts until the next public comment (A8), but nobody is awaited once it is over.
        if awaiting is None or not self.awaiting_manual:
            self._await(awaiting, asking.now)
        return before

    def _await(self, party: str | None, now: datetime, manual: bool = False) -> None:
        if party != self.awaiting:
            self.awaiting, self.awaiting_since = party, now if party else None
        self.awaiting_manual = manual
        self.updated_at = now

    def _hold_again(self, asking: Asking) -> None:
        """After the settlement was cleared a claim holds nothing any more: it is post-settlement (SET-06, A14)."""
        self.hold = self.profile.hold != "none" and not asking.order_cleared

    def _tell(self, type: str, before: str, asking: Asking, **facts: Any) -> None:
        self.record(type, **self.facts(before, asking), **facts)

    def _tell_resolved(self, before: str, asking: Asking) -> None:
        self._tell(
            "claim.resolved",
            before,
            asking,
            resolution=self._resolution_facts() or None,
            opened_at=stamp(self.opened_at),
            duration_s=int((asking.now - self.opened_at).total_seconds()),
        )

    def facts(self, before: str | None, asking: Asking) -> dict[str, Any]:
        """What every claim event says: whose claim it is, the step it made, and what holds after it."""
        return {
            "claim_id": self.id,
            "version": self.version + 1,  # the one that it is saved as
            "order_id": self.order_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "profile": self.profile.code,
            "handler": self.handler,
            "assignee": self.assignee,
            "hold": self.holds,
            "from": before,
            "to": self.state,
            "awaiting": self.awaiting,
            "by": acting_as(asking.who.role),
        }

    def _resolution_facts(self) -> dict[str, Any]:
        """kind, and what carries it out, of the last chosen resolution, as far as there is one."""
        known = self.resolution or {}
        return {key: known[key] for key in ("kind", "refund_id", "return_id", "replacement_order_id") if key in known}

    def _observer(self, kind: str, ref: str) -> dict[str, str] | None:
        return next((o for o in self.observers if (o["kind"], o["id"]) == (kind, ref)), None)

    def _parties(self) -> set[str]:
        fixed = {REQUESTER, self.handler} | ({SELLER} if self.seller_id else set())
        return fixed | {observer_party(o["kind"], o["id"]) for o in self.observers}
