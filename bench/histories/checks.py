"""What must be true of the databases, counted by reading them: nothing here asks the services."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from bench.histories.shaky import Shaky
from services.order.storage import STORAGE as ORDER
from services.refund import storage as refund
from tests.suite import Suite

IN_FLIGHT = ("requested", "pending_approval", "approved", "processing", "unknown")
Found = Iterator[tuple[str, str]]  # which invariant, and about what


def rows(suite: Suite, service: str, table: sa.Table) -> list[dict[str, Any]]:
    with suite.apps[service].database.transaction() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def caps(ledgers: Iterable[dict[str, Any]]) -> Found:
    """I1: per order, payment and part no more is given or promised than there is."""
    for row in ledgers:
        if not 0 <= row["succeeded"] + row["reserved"] <= row["captured"] - row["chargeback"]:
            yield "I1", f"{row['id']} {row['succeeded']} + {row['reserved']} of {row['captured']}"
        for payment in row["payments"]:
            given = payment["given"]
            if given["succeeded"] + given["reserved"] > payment["captured"] - payment["chargeback"]:
                yield "I1", f"{row['id']} {payment['id']}"
        for part in (*row["lines"], *row["shipments"]):
            given = sum(part[how][what] for how in ("given", "goodwill") for what in ("succeeded", "reserved"))
            if not 0 <= given <= part["gross"]:
                yield "I1", f"{row['id']} {part['id']} {given} of {part['gross']}"


def counters(ledgers: list[dict[str, Any]], refunds: list[dict[str, Any]], entries: list[dict[str, Any]]) -> Found:
    """I1, M18: the counters are the sums of the refunds that they count, the double entry sums to nothing."""
    held: Counter[str] = Counter()
    for one in refunds:
        held[one["order_id"]] += one["amount"] if one["state"] in IN_FLIGHT else 0
    booked: dict[str, Counter[str]] = defaultdict(Counter)
    per_txn: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        booked[entry["order_id"]][entry["account"]] += entry["amount"]
        per_txn[entry["order_id"], entry["txn"]] += entry["amount"]
    for row in ledgers:
        accounts = booked[row["id"]]
        left = row["captured"] - row["succeeded"] - row["reserved"] - row["chargeback"]
        if (row["reserved"], row["reserved"], left) != (
            held[row["id"]],
            accounts["refunds_reserved"],
            accounts["customer_funds"],
        ):
            yield "I1", f"{row['id']} counts {row['reserved']}, {left}; booked {dict(accounts)}"
        if accounts["rounding"]:
            yield "I1", f"{row['id']} rounds {accounts['rounding']}"
    yield from (("I1", f"entries of {id} {txn} make {total}") for (id, txn), total in per_txn.items() if total)


def paid_once(refunds: list[dict[str, Any]], payments: list[dict[str, Any]], provider: Shaky) -> Found:
    """I1, I3: what the provider really did is what we believe, and never more than a payment brought."""
    ours = {one["id"]: one for one in refunds}
    back: Counter[str] = Counter()
    for key, (payment_ref, done) in provider.paid.items():
        one = ours.get(key)
        if one is None or one["state"] not in ("succeeded", "reversed") or one["amount"] != done.amount:
            yield "I3", f"{key} was paid, here it is {one and one['state']}"
        elif one["state"] == "reversed":
            back[payment_ref] += one["amount"]
    for one in refunds:
        if one["provider"] in ("stripe", "paypal") and one["state"] == "succeeded" and one["id"] not in provider.paid:
            yield "I3", f"{one['id']} succeeded and was never paid"
    captured = {paid["provider_ref"]: paid["amount"]["amount"] for paid in payments}
    for ref, moved in provider.moved.items():
        if moved - back[ref] > captured[ref]:
            yield "I1", f"{ref} gave {moved - back[ref]} of {captured[ref]}"


def exact(ledger: dict[str, Any], notes: list[dict[str, Any]], made: list[dict[str, Any]]) -> Found:
    """I2: of an order that was refunded in full every tax code came back to the cent, on paper and in the ledger."""
    if ledger["succeeded"] != ledger["captured"]:
        story = [(one["kind"], one["state"], one["amount"], one["decision_code"]) for one in made]
        yield "I2", f"{ledger['id']} gave back {ledger['succeeded']} of {ledger['captured']}: {story}"
        return
    parts = (*ledger["lines"], *ledger["shipments"])
    sold: Counter[str] = Counter()
    for part in parts:
        for tax in part["taxes"]:
            sold[tax["code"]] += tax["amount"]
            if tax["given"]["succeeded"] != tax["amount"]:
                yield "I2", f"{ledger['id']} {part['id']} {tax}"
    written: Counter[str] = Counter()
    for note in notes:
        for tax in note["taxes"]:
            written[tax["code"]] += tax["amount"]
    if +written != +sold or sum(note["total"] for note in notes) != ledger["captured"]:
        yield "I2", f"{ledger['id']} credit notes {dict(written)}, sold {dict(sold)}"


def stock(suite: Suite, ordered: dict[str, int]) -> Found:
    """I11, M20: units that went back into stock, each cause once, never more than were ordered of the line."""
    released: dict[str, int] = {}
    back: Counter[str] = Counter()
    for event in suite.events("order", "order.stock_released"):
        data = event.data
        if data["key"] in released:
            yield "I11", f"{data['key']} twice"
        released[data["key"]] = data["qty"]
        back[data["line_id"]] += data["qty"]
    for event in suite.events("claim", "return.closed"):
        for one in event.data["restock"]:
            back[one["line_id"]] += one["qty"]
    yield from (("I11", f"{id} {units}") for id, units in back.items() if units > ordered[id])


def numbers(papers: list[dict[str, Any]], whose: str) -> Found:
    """I12: one series has every number from 1 to its last, once. whose: the column that keeps series apart."""
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for paper in papers:
        prefix, _, number = paper["number"].rpartition("-")
        series[paper[whose], prefix].append(int(number))
    for name, found in series.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield "I12", f"{name}: {sorted(found)}"


def papers(suite: Suite) -> Found:
    """I12, of credit notes per tenant and of invoices per seller."""
    yield from numbers(rows(suite, "refund", refund.credit_notes), "tenant")
    yield from numbers(rows(suite, "order", ORDER.by_table["invoice"].table), "seller_id")
