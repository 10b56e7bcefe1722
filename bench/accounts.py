"""Counting from the databases: what was committed, and whether every effect of it is there, once, in order.

Nothing here asks the suite. An effect is an event whose `causation` names the event it came from, or a notification
whose source it names; it is looked for in the subscriber's database, its cause in the producer's log.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from bench.books import Books

# producer, event → subscriber, its effect: exactly one each in a run in which every order gets one claim
EVENTS = (
    ("claim", "claim.opened", "order", "settlement.hold_placed"),
    ("claim", "claim.opened", "messaging", "thread.opened"),
    ("claim", "claim.opened", "messaging", "message.posted"),
    ("claim", "claim.resolution_chosen", "refund", "refund.requested"),
    ("refund", "refund.succeeded", "claim", "claim.resolution_executed"),
)
# producer, event → how many people are told
TOLD = (
    ("order", "order.placed", 2),
    ("claim", "claim.opened", 2),
    ("claim", "claim.resolution_chosen", 1),
    ("refund", "refund.succeeded", 2),
    ("refund", "credit_note.issued", 1),
)


@dataclass
class Account:
    """The counts of R01 to R03; all but the first three have to be 0."""

    committed: int = 0
    deliveries: int = 0
    effects: int = 0
    lost: int = 0
    duplicated: int = 0
    ghosts: int = 0
    order_breaks: int = 0
    log_gaps: int = 0
    dead: int = 0


def account(books: Books) -> Account:
    found = Account(committed=books.committed())
    logs = {service: _log(books, service) for service in books.services}
    _positions(books, found)
    for producer, cause, subscriber, effect in EVENTS:
        caused = Counter(row["causation"] for row in logs[subscriber].values() if row["type"] == effect)
        _compare(found, _ids(logs[producer], cause), caused, 1)
    told = Counter(row[0] for row in books.ask("notification", "select source_event_id from notification"))
    for producer, cause, people in TOLD:
        _compare(found, _ids(logs[producer], cause), told, people)
    _ghosts(found, logs, told)
    found.order_breaks += sum(_inversions(logs[service], logs) for service in books.services)
    found.ghosts += _money_ghosts(books)
    return found


def _log(books: Books, service: str) -> dict[str, dict[str, Any]]:
    """By id, in the order of commitment's ids."""
    names = ("event_id", "stream", "aggregate_id", "seq", "type", "causation")
    rows = books.ask(service, f"select {', '.join(names)} from event_log order by event_id")
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _ids(log: dict[str, dict[str, Any]], type: str) -> set[str]:
    return {id for id, row in log.items() if row["type"] == type}


def _compare(found: Account, causes: set[str], caused: Counter, each: int) -> None:
    for id in causes:
        count = caused.get(id, 0)
        found.effects += count
        found.lost += max(0, each - count)
        found.duplicated += max(0, count - each)


def _positions(books: Books, found: Account) -> None:
    """Every subscriber stands at the end of every stream it follows; no stream has a gap in the log itself."""
    ends: dict[tuple[str, str], int] = {}
    for service in books.services:
        for stream, id, last, count in books.ask(
            service, "select stream, aggregate_id, max(seq), count(*) from event_log group by 1, 2"
        ):
            ends[stream, id] = last
            found.log_gaps += last - count
    for service in books.services:
        stands = {row[:2]: row[2] for row in books.ask(service, "select stream, aggregate_id, seq from inbox_position")}
        followed = {key: end for key, end in ends.items() if key[0] in books.follows[service]}
        found.deliveries += sum(followed.values())
        found.lost += sum(max(0, end - stands.get(key, 0)) for key, end in followed.items())
        found.ghosts += sum(max(0, seq - ends.get(key, 0)) for key, seq in stands.items())
        found.dead += books.one(service, "select count(*) from inbox_waiting where state = 'dead'")
        found.dead += books.one(service, "select count(*) from job where state = 'dead'")


def _ghosts(found: Account, logs: dict[str, dict], told: Counter) -> None:
    """An effect of an event that nobody committed."""
    known = {id for log in logs.values() for id in log}
    causes = [row["causation"] for log in logs.values() for row in log.values()]
    found.ghosts += sum(1 for cause in causes if cause and cause.startswith("evt_") and cause not in known)
    found.ghosts += sum(1 for source in told if source not in known)


def _inversions(log: dict[str, dict], logs: dict[str, dict]) -> int:
    """Effects of one stream that were recorded in another order than their causes."""
    every = {id: row for each in logs.values() for id, row in each.items()}
    last: dict[tuple[str, str, str], int] = defaultdict(int)
    breaks = 0
    for row in log.values():
        cause = every.get(row["causation"])
        if cause is None:
            continue
        # per stream of effects: two of them are written side by side, each in its own order
        key = (row["stream"] + row["aggregate_id"], cause["stream"], cause["aggregate_id"])
        breaks += cause["seq"] < last[key]
        last[key] = max(last[key], cause["seq"])
    return breaks


def _money_ghosts(books: Books) -> int:
    """Refunds of claims that do not exist, and claims on orders that do not."""
    claims = {row[0] for row in books.ask("claim", "select id from claim")}
    orders = {row[0] for row in books.ask("order", "select id from orders")}
    refunds = books.ask("refund", "select claim_id from refund where claim_id is not null")
    on = books.ask("claim", "select order_id from claim")
    return sum(1 for (id,) in refunds if id not in claims) + sum(1 for (id,) in on if id not in orders)


@dataclass
class Money:
    """The provider's ledger beside ours (R22, R23). All but the first have to be 0."""

    refunds: int = 0
    double_payments: int = 0
    never_paid: int = 0
    differences: int = 0
    unsettled: int = 0
    over_refunded: int = 0
    ledger_differences: int = 0


OVER = frozenset({"succeeded", "failed", "rejected", "cancelled", "approval_required"})  # or waiting for a person


def money(books: Books, provider: list[dict[str, Any]]) -> Money:
    """provider: the simulator's payments with their refunds."""
    ours = books.ask("refund", "select id, state, amount from refund where provider = 'stripe'")
    paid: Counter[str] = Counter()
    amounts: dict[str, int] = {}
    found = Money(refunds=len(ours))
    for payment in provider:
        found.over_refunded += payment["refunded"] > payment["captured"]
        for refund in payment["refunds"]:
            if refund["status"] == "succeeded":
                paid[refund["metadata"].get("refund_id", "?")] += 1
                amounts[refund["metadata"].get("refund_id", "?")] = refund["amount"]
    known = {row[0] for row in ours}
    found.differences += sum(1 for id in paid if id not in known)
    found.double_payments = sum(count - 1 for count in paid.values())
    for id, state, amount in ours:
        found.unsettled += state not in OVER
        found.never_paid += state == "succeeded" and id not in paid
        found.differences += (state == "succeeded") != (amounts.get(id) == amount)
    found.ledger_differences = books.one("refund", LEDGER)
    return found


# the counters of each order against the refunds they count
LEDGER = """
select count(*) from refund_ledger l left join (
    select order_id, sum(amount) filter (where state = 'succeeded') as paid from refund group by order_id
) r on r.order_id = l.id
where l.succeeded <> coalesce(r.paid, 0) or l.reserved <> 0 or l.succeeded > l.captured
"""
