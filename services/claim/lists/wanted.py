"""What a list of claims is asked for: its form, which decides the statement, and its values.

A statement takes longer to build than to run, so it is built once per form and kept; lists of one form differ by their
values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.claim.access.queries import seat_of, standing
from services.claim.model.parts import viewer
from services.claim.model.states import ALIVE, OPEN, STATES
from services.claim.model.words import sought
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import decode

EQUAL = ("category", "order_id", "seller_id", "customer_ref", "handler", "reason_code", "marketplace")
WITHOUT_STATE = ("order_id", "customer_ref", "assignee", "awaiting")  # few claims each, or few of them alive
# What the search index holds of a claim beside its words, by the letter it is marked with.
MARKS = {"c": "category", "r": "reason_code", "m": "marketplace", "h": "handler", "b": "seller_id", "a": "assignee"}


@dataclass(frozen=True, slots=True)
class Form:
    """The names of the conditions (queries.py), not their values.

    held: what one index holds in the order of the page, for each of the states, whose number is `states`; None: the
    index knows no states. tried: the rest, claim by claim.
    """

    held: tuple[str, ...]
    states: int | None
    tried: tuple[str, ...]
    oldest: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """words: what is searched for. marks: what else the search index knows of it, in PostgreSQL's words."""

    form: Form
    values: dict[str, Any]
    words: tuple[str, ...]
    marks: tuple[str, ...]

    def looking_up(self, words: Sequence[str]) -> Wanted:
        """The same, and of its words only these are looked up in the search index."""
        return replace(self, values={**self.values, "marks": _joined(self.marks, words)})


def wanted_of(ctx: Context, args: dict[str, Any]) -> Wanted:
    """What these arguments ask for, within what the caller may see."""
    who = ctx.principal
    equal = {name: args[name] for name in EQUAL if name in args}
    if "awaiting" in args:
        equal["awaiting"] = viewer(who) if args["awaiting"] == "me" else args["awaiting"]
    if args.get("assignee", "none") != "none":
        equal["assignee"] = who.id if args["assignee"] == "me" else args["assignee"]
    states, by = _states(args), _index(who, equal)
    values: dict[str, Any] = {"tenant": who.tenant, "party": who.party, "now": ctx.now, **equal}
    held = [*standing(who), *([by] if by in equal else [])]
    oldest = args.get("order") == "oldest"
    if "updated_after" in args:
        held.append("updated_after")
        values["updated_after"] = args["updated_after"]
    if "cursor" in args:
        held.append("later" if oldest else "earlier")
        values["place_at"], values["place_id"] = decode(args["cursor"])
    tried = [name for name in equal if name != by]
    for name, some in _others(who, args):
        tried.append(name)
        values |= some
    if by in WITHOUT_STATE and len(states) < len(STATES) and not (by == "awaiting" and "state" not in args):
        tried.append("states")
    values["states"] = states
    values |= {f"state{place}": state for place, state in enumerate(states)}
    words, marks = tuple(sought(args.get("q", ""))), _marks(who, states, equal)
    values["marks"] = _joined(marks, words)
    number = None if by in WITHOUT_STATE else len(states)
    return Wanted(Form(tuple(held), number, tuple(tried), oldest), values, words, marks)


def _index(who: Principal, equal: dict[str, Any]) -> str | None:
    """The column of the index to read by; None: by state alone. A seller's claims lie by state under the seller."""
    if who.role == "customer":
        return "customer_ref"
    of_one_seller = "seller_id" in equal or (who.role in ("seller", "integrator") and who.party is not None)
    named = [name for name in ("order_id", "customer_ref", "assignee") if name in equal]
    return named[0] if named else "seller_id" if of_one_seller else "awaiting" if "awaiting" in equal else None


def _states(args: dict[str, Any]) -> tuple[str, ...]:
    """Nobody is awaited on what is over, and only what is open is due."""
    due = "due_before" in args or args.get("overdue")
    possible = OPEN if due else ALIVE if "awaiting" in args else STATES
    return tuple(state for state in STATES if state in args.get("state", STATES) and state in possible)


def _others(who: Principal, args: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Conditions that no index holds in order, with their values."""
    found: list[tuple[str, dict[str, Any]]] = []
    for place, word in enumerate(sought(args.get("q", ""))):
        found.append((f"word{place}", {f"word{place}": f"% {word}%"}))
    kind, ref = seat_of(who)
    if ref is not None:
        found.append(("seat", {"seat_kind": kind, "seat_ref": ref}))
    if "supplier_id" in args:
        found.append(("supplier", {"supplier": args["supplier_id"]}))
    if args.get("assignee") == "none":
        found.append(("unassigned", {}))
    if "due_before" in args:
        found.append(("due_before", {"due_before": args["due_before"]}))
    if "overdue" in args:
        found.append(("overdue" if args["overdue"] else "in_time", {}))
    return found


def _marks(who: Principal, states: tuple[str, ...], equal: dict[str, Any]) -> tuple[str, ...]:
    """What the search index knows of what is asked for, in PostgreSQL's words."""
    marks = [_mark("t", who.tenant)]
    if 0 < len(states) < len(STATES):
        marks.append("(" + " | ".join(_mark("s", state) for state in states) + ")")
    if who.role in ("seller", "integrator") and who.party is not None:
        marks.append(_mark("b", who.party))
    marks += [_mark(letter, equal[name]) for letter, name in MARKS.items() if name in equal]
    return tuple(marks)


def _joined(marks: Sequence[str], words: Sequence[str]) -> str:
    return " & ".join([*marks, *(f"'{word}':*" for word in words)])


def _mark(letter: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{letter}:{quoted}'"
