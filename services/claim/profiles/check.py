"""The model check of a profile (N2): its states and transitions as a graph, and what must hold on it.

The graph is not drawn by hand: every row of the transition table is tried, with its own guards, on a claim of this
profile, for every state, role and handler. So what a switch or a role forbids is not an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.claim import policies
from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.states import FINAL, OPEN, PLATFORM_REVIEW, RESOLVED, STATES, SUBMITTED
from services.claim.model.transitions import SAME, TABLE, Row
from services.claim.policies import Profile
from services.claim.profiles.fault import Fault
from shared.kernel.principal import Principal

# What the system does by itself is set off by one of these; anything else would run on without end.
BY_TIMER = frozenset({"confirm_by_time", "close", "escalate"})
BY_A_PERSON = frozenset({"start", "reopen", "hear"})  # somebody wrote a comment
BY_THE_PROVIDER = frozenset({"refund_succeeded", "refund_failed"})  # answers a refund that somebody chose
# These end a claim without deciding it: a state that can be left by them only is a dead end.
UNDECIDED_ENDS = frozenset({"merge", "withdraw"})

_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
_THEIRS = {"customer": "cus_1", "seller": "sel_1", "integrator": "sel_1"}


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a state to another, by one role."""

    source: str
    target: str
    command: str
    role: str

    @property
    def automatic(self) -> bool:
        """Nobody and no timer sets it off."""
        return self.role == "system" and self.command not in BY_TIMER | BY_A_PERSON | BY_THE_PROVIDER


def check(profile: Profile, table: Iterable[Row] = TABLE) -> list[Fault]:
    """Everything that would leave claims stuck, nameless or endless."""
    edges = graph(profile, table)
    entries = {SUBMITTED} if handlers_of(profile) - {policies.PLATFORM} else set()
    if policies.PLATFORM in handlers_of(profile):
        entries.add(PLATFORM_REVIEW)
    reached = _reachable(entries, edges)
    return [
        *_states(profile, reached),
        *_exits(reached, edges),
        *_endless(edges),
        *(_holds(reached, edges) if profile.hold != "none" else ()),
    ]


def handlers_of(profile: Profile) -> set[str]:
    """Who handles a new claim, over all reasons."""
    return {policies.handler_for(profile, reason) for reason in profile.reasons.values()}


def graph(profile: Profile, table: Iterable[Row] = TABLE) -> list[Edge]:
    """Every edge that some claim of this profile can take."""
    found: dict[Edge, None] = {}
    for row in table:
        for source in sorted(row.sources):
            for role in sorted(row.roles):
                if _possible(profile, row, source, role):
                    found |= {Edge(source, t, row.command, role): None for t in _targets(profile, row, source)}
    return list(found)


def _targets(profile: Profile, row: Row, source: str) -> list[str]:
    if row.command == "refund_succeeded":  # at once, or after the requester or the platform looked (CLM-05)
        return [RESOLVED if profile.auto_resolve_on_refund else row.targets[-1]]
    return [target for target in row.targets if target not in (SAME, source)]


def _possible(profile: Profile, row: Row, source: str, role: str) -> bool:
    if not profile.lets(role, row.name):
        return False
    asking = Asking(Principal(role, "somebody", "t", _THEIRS.get(role)), _NOW + timedelta(hours=1), "completed")
    return any(all(guard(claim, asking) is None for guard in row.guards) for claim in _claims(profile, source))


def _claims(profile: Profile, state: str) -> Iterator[Claim]:
    """A claim in this state for each handler, answered, with and without a refund under way where one is offered."""
    handlers = handlers_of(profile) | ({policies.PLATFORM} if profile.platform_arbitration else set())
    pays = policies.EXECUTED_KINDS & set(profile.resolutions)
    reason = next(iter(profile.reasons))
    for handler in sorted(handlers):
        for resolution in (None, {"kind": "refund", "status": "executing"}) if pays else (None,):
            yield Claim(
                id="clm_1",
                tenant="t",
                profile=profile,
                number="1",
                category=profile.category,
                marketplace="m",
                order_id="ord_1",
                order_number="1",
                seller_id="sel_1",
                customer_ref="cus_1",
                currency="EUR",
                title="",
                description="",
                reason_code=reason,
                lines=[],
                photos=[],
                handler=handler,
                former_handler=handler,
                state=state,
                state_since=_NOW,
                opened_at=_NOW,
                updated_at=_NOW,
                hold=True,
                disputed=1,
                resolution=resolution,
                observers=[{"kind": "account", "id": "acc_1", "scope": "all"}],
                last_handler_public_at=_NOW,
            )


def _reachable(entries: Iterable[str], edges: Iterable[Edge]) -> set[str]:
    reached = set(entries)
    while found := {edge.target for edge in edges if edge.source in reached} - reached:
        reached |= found
    return reached


def _states(profile: Profile, reached: set[str]) -> Iterator[Fault]:
    for state in STATES:
        if state in reached and state not in profile.state_labels:
            yield Fault(
                f"state_labels.{state}", "claims get into this state, and it has no label", "Name it in fr and en"
            )
        if state not in reached and state in profile.state_labels:
            yield Fault(
                f"state_labels.{state}",
                "no claim can ever get into this state",
                "Remove its label, or allow a transition that leads to it",
            )


def _exits(reached: set[str], edges: list[Edge]) -> Iterator[Fault]:
    for state in STATES:
        if state not in reached or state in FINAL:
            continue
        if not any(edge.source == state and edge.command not in UNDECIDED_ENDS for edge in edges):
            yield Fault(
                f"state {state}", "there is no way out", "Let somebody decide it: widen who_may, or set a switch"
            )


def _endless(edges: list[Edge]) -> Iterator[Fault]:
    automatic = [edge for edge in edges if edge.automatic]
    for state in STATES:
        leaving = [edge.target for edge in automatic if edge.source == state]
        if state in _reachable(leaving, automatic):
            yield Fault(
                f"state {state}", "claims run in a circle from here by themselves", "Put a person or a timer in between"
            )


def _holds(reached: set[str], edges: list[Edge]) -> Iterator[Fault]:
    """The seller's money must not depend on the requester's good will: somebody else can always end it."""
    others = [edge for edge in edges if edge.role != "customer" and edge.command != "merge"]
    for state in STATES:
        if state in reached & OPEN and not _reachable({state}, others) - OPEN:
            yield Fault(
                f"state {state}",
                "a claim here can hold the settlement for ever",
                "Let the handler, a coordinator or the platform end it, or set hold to none",
            )
