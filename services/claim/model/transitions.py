"""The transition table of a claim, CLM-02 to CLM-24, as data (spec 5.3). Everything that moves a claim is a row here.

The diagram of the README, the allowed actions of every answer and the permission table all come from these rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.claim.model import guards as g
from services.claim.model.guards import Guard
from services.claim.model.states import (
    ALIVE,
    CLOSED,
    IN_PROGRESS,
    MERGED,
    PLATFORM_REVIEW,
    REFUSED,
    RESOLVED,
    SOLUTION_PROPOSED,
    STATES,
    SUBMITTED,
    WITHDRAWN,
)

# The platform may do whatever a coordinator may (spec 5.1: its column says yes wherever the coordinator's does).
CUSTOMER = frozenset({"customer"})
HANDLER = frozenset({"seller", "integrator", "coordinator", "platform_agent"})
STAFF = frozenset({"coordinator", "platform_agent"})
PLATFORM = frozenset({"platform_agent"})
SYSTEM = frozenset({"system"})

SAME = "same"  # the state stays


@dataclass(frozen=True, slots=True)
class Row:
    """One row: from which states, by which roles, under which guards, to where, telling what.

    command: the method of Claim. action: what a caller asks for, where two rows differ only by its arguments.
    """

    id: str
    command: str
    sources: frozenset[str]
    roles: frozenset[str]
    targets: tuple[str, ...]
    events: tuple[str, ...]
    guards: tuple[Guard, ...] = ()
    action: str = ""

    @property
    def name(self) -> str:
        return self.action or self.command


def _row(id: str, command: str, sources: tuple[str, ...] | frozenset[str], roles: frozenset[str], *rest, **more) -> Row:
    return Row(id, command, frozenset(sources), roles, *rest, **more)


_WORKED_ON = (SUBMITTED, IN_PROGRESS)
_UNDECIDED = (SUBMITTED, IN_PROGRESS, SOLUTION_PROPOSED)
_CLOSE_GUARDS = (g.handles_it, g.nothing_executing, g.no_cancellation_pending, g.was_answered)

TABLE: tuple[Row, ...] = (
    _row("CLM-02", "start", (SUBMITTED,), HANDLER | SYSTEM, (IN_PROGRESS,), ("claim.started",), (g.handles_it,)),
    _row(
        "CLM-03",
        "choose_replacement",
        _WORKED_ON,
        HANDLER,
        (SOLUTION_PROPOSED,),
        ("claim.resolution_chosen",),
        (g.offers_replacement, g.handles_it, g.nothing_executing),
        action="choose_resolution",
    ),
    _row(
        "CLM-04",
        "choose_refund",
        _WORKED_ON,
        HANDLER,
        (IN_PROGRESS,),
        ("claim.resolution_chosen",),
        (g.offers_refund, g.handles_it, g.nothing_executing),
        action="choose_resolution",
    ),
    _row(
        "CLM-04P",
        "choose_refund",
        (PLATFORM_REVIEW,),
        PLATFORM,
        (PLATFORM_REVIEW,),
        ("claim.resolution_chosen",),
        (g.offers_refund, g.nothing_executing),
        action="choose_resolution",
    ),
    _row(
        "CLM-05",
        "refund_succeeded",
        (IN_PROGRESS,),
        SYSTEM,
        (RESOLVED, SOLUTION_PROPOSED),
        ("claim.resolution_executed", "claim.resolved"),
        (g.executing,),
    ),
    _row(
        "CLM-05P",
        "refund_succeeded",
        (PLATFORM_REVIEW,),
        SYSTEM,
        (RESOLVED, PLATFORM_REVIEW),
        ("claim.resolution_executed", "claim.resolved"),
        (g.executing,),
    ),
    _row(
        "CLM-05R",
        "replacement_sent",
        ALIVE,
        SYSTEM,
        (SAME,),
        ("claim.resolution_executed",),
        (g.awaits_replacement,),
    ),
    _row(
        "CLM-06",
        "refund_failed",
        (IN_PROGRESS, PLATFORM_REVIEW),
        SYSTEM,
        (SAME,),
        ("claim.resolution_failed",),
        (g.executing,),
    ),
    _row(
        "CLM-06R",
        "replacement_failed",
        (SOLUTION_PROPOSED,),
        SYSTEM,
        (IN_PROGRESS,),
        ("claim.resolution_failed",),
        (g.awaits_replacement,),
    ),
    _row(
        "RET-08",
        "await_refund_of_return",
        _UNDECIDED,
        SYSTEM,
        (IN_PROGRESS,),
        ("claim.resolution_chosen",),
        (g.nothing_executing,),
    ),
    _row(
        "RET-08P",
        "await_refund_of_return",
        (PLATFORM_REVIEW,),
        SYSTEM,
        (PLATFORM_REVIEW,),
        ("claim.resolution_chosen",),
        (g.nothing_executing,),
    ),
    _row(
        "CLM-07",
        "propose",
        _WORKED_ON,
        HANDLER,
        (SOLUTION_PROPOSED,),
        ("claim.solution_proposed",),
        (g.offers_words, g.handles_it, g.nothing_executing),
    ),
    _row(
        "CLM-08",
        "confirm",
        (SOLUTION_PROPOSED,),
        CUSTOMER | STAFF,
        (RESOLVED,),
        ("claim.resolved",),
        (g.takes_part,),
    ),
    _row(
        "CLM-09",
        "reject",
        (SOLUTION_PROPOSED,),
        CUSTOMER | STAFF,
        (IN_PROGRESS,),
        ("claim.solution_rejected",),
        (g.takes_part,),
    ),
    _row(
        "CLM-10",
        "confirm_by_time",
        (SOLUTION_PROPOSED,),
        SYSTEM,
        (RESOLVED,),
        ("claim.resolved",),
        (g.confirms_itself,),
    ),
    _row(
        "CLM-11",
        "escalate",
        _UNDECIDED,
        CUSTOMER | PLATFORM | SYSTEM | {"seller", "integrator"},
        (PLATFORM_REVIEW,),
        ("claim.escalated",),
        (g.takes_part, g.platform_arbitrates, g.nothing_executing),
    ),
    _row(
        "CLM-12",
        "hand_back",
        (PLATFORM_REVIEW,),
        PLATFORM,
        (IN_PROGRESS,),
        ("claim.handed_back",),
        (g.nothing_executing,),
    ),
    _row(
        "CLM-13",
        "resolve",
        (PLATFORM_REVIEW,),
        PLATFORM,
        (RESOLVED,),
        ("claim.resolved",),
        (g.nothing_executing,),
    ),
    _row("CLM-14", "refuse", (PLATFORM_REVIEW,), PLATFORM, (REFUSED,), ("claim.refused",), (g.nothing_executing,)),
    _row(
        "CLM-15",
        "resolve",
        _UNDECIDED,
        HANDLER,
        (RESOLVED,),
        ("claim.resolved",),
        (g.handler_may_resolve, g.handles_it, g.nothing_executing),
    ),
    _row(
        "CLM-16",
        "set_state",
        (SUBMITTED, IN_PROGRESS, RESOLVED),
        STAFF,
        (SUBMITTED, IN_PROGRESS, RESOLVED),
        ("claim.state_set", "claim.resolved", "claim.reopened"),
        (g.manual_state, g.nothing_executing),
    ),
    _row(
        "CLM-17",
        "reopen",
        (RESOLVED,),
        CUSTOMER | STAFF | SYSTEM,
        (IN_PROGRESS,),
        ("claim.reopened",),
        (g.takes_part, g.within_reopen_window),
    ),
    _row(
        "CLM-18",
        "appeal",
        (REFUSED,),
        CUSTOMER,
        (PLATFORM_REVIEW,),
        ("claim.appealed",),
        (g.takes_part, g.appeals_once_in_time),
    ),
    _row("CLM-19", "close", (RESOLVED, REFUSED), HANDLER | SYSTEM, (CLOSED,), ("claim.closed",), _CLOSE_GUARDS),
    _row(
        "CLM-19U",
        "close",
        _WORKED_ON,
        HANDLER | SYSTEM,
        (CLOSED,),
        ("claim.closed",),
        (g.closes_unresolved, *_CLOSE_GUARDS),
    ),
    _row(
        "CLM-20",
        "withdraw",
        _UNDECIDED,
        CUSTOMER,
        (WITHDRAWN,),
        ("claim.withdrawn",),
        (g.takes_part, g.nothing_executing),
    ),
    _row("CLM-21", "merge", ALIVE, STAFF, (MERGED,), ("claim.merged",), (g.nothing_executing,)),
    _row("CLM-22", "assign", ALIVE, STAFF, (SAME,), ("claim.assigned",)),
    _row("CLM-23", "set_awaiting", ALIVE, STAFF, (SAME,), ("claim.awaiting_changed",)),
    _row("CLM-23C", "hear", ALIVE, SYSTEM, (SAME,), ("claim.awaiting_changed",)),
    _row("CLM-24", "add_observer", frozenset(STATES), STAFF, (SAME,), ("claim.observer_added",)),
    _row(
        "CLM-24R",
        "remove_observer",
        frozenset(STATES),
        STAFF,
        (SAME,),
        ("claim.observer_removed",),
        (g.has_observers,),
    ),
    _row(
        "B24",
        "rate",
        (RESOLVED, REFUSED, CLOSED),
        CUSTOMER,
        (SAME,),
        ("claim.rated",),
        (g.takes_part, g.rating_open),
    ),
)

_BY_COMMAND: dict[str, tuple[Row, ...]] = {
    command: tuple(row for row in TABLE if row.command == command) for command in {row.command for row in TABLE}
}
_BY_PLACE: dict[tuple[str, str], tuple[Row, ...]] = {
    (role, state): tuple(row for row in TABLE if role in row.roles and state in row.sources)
    for role in {role for row in TABLE for role in row.roles}
    for state in STATES
}

# Role × action: what a role may ever ask for. Not named = refused (I7, T05: suppliers and observers are nowhere).
PERMITTED: dict[str, frozenset[str]] = {
    name: frozenset().union(*(row.roles for row in TABLE if row.name == name)) for name in {row.name for row in TABLE}
}


def rows_of(command: str) -> tuple[Row, ...]:
    return _BY_COMMAND[command]


def rows_open_to(role: str, state: str) -> tuple[Row, ...]:
    """What this role may do in this state, as far as no guard says no."""
    return _BY_PLACE.get((role, state), ())


def permits(role: str, action: str) -> bool:
    """May this role ever ask for this action? Deny by default (T05)."""
    return role in PERMITTED.get(action, frozenset())
