"""Two toy services that show everything the runtime promises: a counter, and a follower that repeats what it hears.

Their event types are announced only while `announced()` lasts: the real catalogue never shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from marshmallow import fields

from shared.contracts.fields import Id, Moment, Strict, Whole
from shared.contracts.registry import EVENTS, Operation, announce
from shared.edge.topology_plan import Plan, plan_of
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import Clock
from shared.kernel.errors import Refusal
from shared.runtime.app import App
from shared.runtime.tables import Command, Contents, Job, Query, Reaction
from shared.runtime.unit_of_work import Context, Storage
from shared.storage.engine import Database
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Utc

NAMES = ("counter", "follower")
TYPES = ("counter.opened", "counter.raised", "counter.reminded", "counter.paid", "counter.numbered")


class Raised(Strict):
    by = Whole()
    mood = fields.String()


@contextmanager
def announced() -> Iterator[None]:
    """The toys' event types exist inside this block."""
    announce("counter", {type: Raised() for type in TYPES})
    announce("follower", {"mirror.moved": Raised()})
    try:
        yield
    finally:
        for type in (*TYPES, "mirror.moved"):
            del EVENTS[type]


TOPOLOGY: Plan = plan_of(
    {
        "exchanges": ["counter.events", "follower.events"],
        "private": {},
        "dead_letter_exchange": "dlx",
        "services": {
            "counter": {"writes": ["counter.events"], "hears": {}},
            "follower": {"writes": ["follower.events"], "hears": {"counter.events": ["counter.#"]}},
        },
        "operator": "operator",
        "policies": {
            "inbox": {"overflow": "reject-publish", "dead-letter-strategy": "at-least-once", "delivery-limit": 3},
            "dead": {"overflow": "reject-publish"},
        },
    }
)


class TooMuch(Refusal):
    """A counter never goes beyond 1,000,000."""

    code = "TOO_MUCH"


@dataclass(kw_only=True)
class Counter(Aggregate):
    """Counts up. `paid` is how often its money went out."""

    stream: ClassVar[str] = "counter"
    value: int = 0
    paid: int = 0


@dataclass(kw_only=True)
class Mirror(Aggregate):
    """What the follower believes a counter stands at."""

    stream: ClassVar[str] = "mirror"
    total: int = 0


@dataclass
class Moods:
    """What the outside does to the toys: a reaction or a port misbehaves while its rule says so.

    react(event) and pay(key, payload) may raise; what they paid is kept by key, as a provider would.
    """

    react: Callable[[Any], None] = lambda event: None
    pay: Callable[[str, dict[str, Any]], None] = lambda key, payload: None
    paid: list[str] = field(default_factory=list)


# the counter: commands


def open_counter(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    counter = Counter(id=args["id"], tenant=ctx.tenant)
    counter.record("counter.opened", by=0)
    return _save(ctx, counter)


def raise_counter(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """`mood` travels in the event; "explode" is a bug in this handler, after it saved."""
    counter = ctx.get_for_change(Counter, args["id"])
    counter.value += args["by"]
    counter.record("counter.raised", by=args["by"], mood=args.get("mood", ""))
    view = _save(ctx, counter)
    if counter.value > 1_000_000:
        raise TooMuch()
    if args.get("mood") == "explode":
        raise RuntimeError("postgresql://counter:secret@db")
    return view


def note(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The database itself may refuse this text: too long on PostgreSQL, NUL, or known already."""
    counter = ctx.need(Counter, args["id"])
    counter.record("counter.raised", by=0)
    ctx.insert(notes, text=args["text"])
    return _save(ctx, counter)


def remind(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    ctx.schedule("reminder", args["id"], args["at"], by=args["by"])
    return {"id": args["id"]}


def pay(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    ctx.job("pay", args["payment"], {"id": args["id"], "amount": args["amount"]})
    return {"id": args["id"]}


def next_number(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    counter = ctx.lock(Counter, args["id"]) or Counter(id=args["id"], tenant=ctx.tenant)
    counter.value += 1
    counter.record("counter.numbered", by=counter.value)
    return _save(ctx, counter)


def get_counter(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    return _view(ctx.need(Counter, args["id"]))


def sum_counters(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A query that the database refuses when `modulus` is 0."""
    column = sa.func.sum(sa.cast(counters.c.value, sa.Integer) / sa.literal(args["modulus"], sa.Integer))
    return {"sum": ctx.connection.execute(sa.select(column)).scalar()}


def _save(ctx: Context, counter: Counter) -> dict[str, Any]:
    ctx.save(counter)
    return _view(counter)


def _view(counter: Counter) -> dict[str, Any]:
    return {"id": counter.id, "value": counter.value, "version": counter.version}


# the counter: timer and job


def remind_counter(ctx: Context, timer: Any) -> None:
    counter = ctx.need(Counter, timer.ref)
    counter.record("counter.reminded", by=timer.data["by"])
    ctx.save(counter)


def perform_payment(moods: Moods, payload: dict[str, Any], key: str) -> dict[str, Any]:
    moods.pay(key, payload)
    moods.paid.append(key)
    return {"amount": payload["amount"]}


def settle_payment(ctx: Context, job: Any, outcome: dict[str, Any]) -> timedelta | None:
    """An amount of 13 is pending at the provider: ask again in a minute."""
    if outcome["amount"] == 13 and job.attempts == 0:
        return timedelta(minutes=1)
    counter = ctx.need(Counter, job.payload["id"])
    counter.paid += 1
    counter.record("counter.paid", by=outcome["amount"])
    ctx.save(counter)
    return None


# the follower


def follow(ctx: Context, event: Any) -> None:
    """Write down what was heard, in the order it was heard; nothing in here would notice a repetition."""
    ctx.settings.react(event)
    data = event.data
    mirror = ctx.get(Mirror, event.aggregate_id) or Mirror(id=event.aggregate_id, tenant=event.tenant)
    mirror.total += data["by"]
    ctx.save(mirror)
    ctx.insert(effects, aggregate_id=event.aggregate_id, seq=event.seq, event_id=event.id, at=ctx.now)
    if data.get("mood", "").startswith("note "):
        ctx.insert(follower_notes, text=data["mood"][5:])


def _mirror(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Mirror, data["id"])] if data["by"] >= 0 else []


class ById(Strict):
    id = Id(required=True)


class RaiseArgs(ById):
    by = Whole(required=True, most=10**7)
    mood = fields.String()


class NoteArgs(ById):
    text = fields.String(required=True)


class RemindArgs(ById):
    at = Moment(required=True)
    by = Whole(required=True)


class PayArgs(ById):
    payment = fields.String(required=True)
    amount = Whole(required=True)


class SumArgs(Strict):
    modulus = Whole(required=True)


COUNTER = Contents(
    commands=(
        Command(Operation("counter.open", ById()), open_counter),
        Command(Operation("counter.raise", RaiseArgs()), raise_counter, lambda args: [(Counter, args["id"])]),
        Command(Operation("counter.note", NoteArgs()), note),
        Command(Operation("counter.remind", RemindArgs()), remind),
        Command(Operation("counter.pay", PayArgs(), money=True), pay),
        Command(Operation("counter.number", ById()), next_number),
    ),
    queries=(
        Query(Operation("counter.get", ById()), get_counter),
        Query(Operation("counter.sum", SumArgs()), sum_counters),
    ),
    timers={"reminder": remind_counter},
    jobs={"pay": Job(perform_payment, settle_payment)},
)
FOLLOWER = Contents(reactions=dict.fromkeys(TYPES, Reaction(follow, loads=_mirror)))

counter_metadata, follower_metadata = sa.MetaData(), sa.MetaData()
counter_runtime, follower_runtime = runtime_tables(counter_metadata), runtime_tables(follower_metadata)
counters = aggregate_table(
    "counter", counter_metadata, sa.Column("value", Big, nullable=False), sa.Column("paid", Big, nullable=False)
)
mirrors = aggregate_table("mirror", follower_metadata, sa.Column("total", Big, nullable=False))
notes = sa.Table("note", counter_metadata, sa.Column("text", sa.String(10), primary_key=True))
follower_notes = sa.Table("note", follower_metadata, sa.Column("text", sa.String(10), primary_key=True))
effects = sa.Table(
    "effect",
    follower_metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("aggregate_id", sa.String(64), nullable=False, index=True),
    sa.Column("seq", Big, nullable=False),
    sa.Column("event_id", sa.String(64), nullable=False),
    sa.Column("at", Utc, nullable=False),
)
STORAGE = {
    "counter": Storage(counter_metadata, counter_runtime, [Mapping(Counter, counters)]),
    "follower": Storage(follower_metadata, follower_runtime, [Mapping(Mirror, mirrors)]),
}


def build(name: str, url: str, clock: Clock | None = None, moods: Moods | None = None, pool_size: int = 10) -> App:
    """One toy on the database of this URL. The counter's port and the follower's weather are both `moods`."""
    moods = moods or Moods()
    contents = {"counter": COUNTER, "follower": FOLLOWER}[name]
    return App(name, STORAGE[name], contents, Database(url, pool_size), clock, ports=moods, settings=moods)
