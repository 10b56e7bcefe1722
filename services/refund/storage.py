"""The tables of the refund service and how its aggregates become rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.refund.model import (
    Chargeback,
    ClaimFacts,
    Counter,
    Coupon,
    CreditNote,
    Entry,
    Line,
    PartTax,
    Payment,
    Refund,
    RefundLedger,
    ReturnFacts,
    Rulebook,
    SettlementLine,
    Shipment,
    Slice,
)
from shared.kernel.numbering import NumberSeries
from shared.runtime.unit_of_work import Context, Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()


def _where(condition: str) -> dict[str, Any]:
    """An index of few rows costs the others nothing."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


runtime = runtime_tables(metadata)

ledgers = aggregate_table(
    "refund_ledger",
    metadata,
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("placed_at", sa.String(32), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("shipments", Json, nullable=False),
    sa.Column("payments", Json, nullable=False),
    sa.Column("captured", Big, nullable=False),
    sa.Column("succeeded", Big, nullable=False),
    sa.Column("reserved", Big, nullable=False),
    sa.Column("chargeback", Big, nullable=False),
    sa.Column("gestured", Big, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("invoice_number", sa.String(40)),
    # M9, T18: the second guard of the cap; the first is the version of the row
    sa.CheckConstraint("captured - succeeded - reserved - chargeback >= 0", name="refund_ledger_cap"),
    sa.CheckConstraint("succeeded >= 0 AND reserved >= 0 AND chargeback >= 0", name="refund_ledger_signs"),
)

entries = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("order_id", sa.String(64), primary_key=True),
    sa.Column("txn", sa.String(160), primary_key=True),
    sa.Column("account", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("amount", Big, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("payment_id", sa.String(64), nullable=False),
    sa.Column("cause", sa.String(96), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

refunds = aggregate_table(
    "refund",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("claim_id", sa.String(64)),
    sa.Column("parent_id", sa.String(64)),
    sa.Column("retry_of", sa.String(64)),
    sa.Column("return_id", sa.String(64)),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("instrument", sa.String(24), nullable=False),
    sa.Column("provider", sa.String(24), nullable=False),
    sa.Column("payment_id", sa.String(64), nullable=False),
    sa.Column("payment_ref", sa.String(128), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", Big, nullable=False),
    sa.Column("slices", Json, nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("requested_by", Json, nullable=False),
    sa.Column("requester_id", sa.String(64), nullable=False),
    sa.Column("deductions", Json, nullable=False),
    sa.Column("shares", Json, nullable=False),
    sa.Column("children", Json, nullable=False),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("verdicts", Json, nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("decided_by", Json),
    sa.Column("decided_at", Utc),
    sa.Column("decision_code", sa.String(64)),
    sa.Column("provider_ref", sa.String(128)),
    sa.Column("failure", Json),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("given_up", sa.Boolean, nullable=False),
    sa.Column("processing_at", Utc),
    sa.Column("succeeded_at", Utc),
    sa.Column("credit_note_id", sa.String(64)),
    sa.CheckConstraint("amount >= 0", name="refund_amount"),
    sa.Index("refund_by_order", "tenant", "order_id"),
    sa.Index("refund_by_claim", "tenant", "claim_id"),
    sa.Index("refund_by_tenant", "tenant", "updated_at", "id"),
    sa.Index("refund_by_seller", "tenant", "seller_id", "updated_at", "id"),
    sa.Index("refund_by_customer", "tenant", "customer_ref", "updated_at", "id"),
    sa.Index("refund_by_provider_ref", "provider", "provider_ref"),
    sa.Index("refund_by_return", "tenant", "return_id", **_where("return_id IS NOT NULL")),
    # T20: only gestures are counted per person and day
    sa.Index("refund_gestures", "tenant", "requester_id", "requested_at", **_where("kind = 'commercial_gesture'")),
)

credit_notes = aggregate_table(
    "credit_note",
    metadata,
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("refund_id", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("invoice_number", sa.String(64)),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("shipping", Json, nullable=False),
    sa.Column("taxes", Json, nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.UniqueConstraint("tenant", "number", name="credit_note_number"),  # I12
    sa.UniqueConstraint("refund_id", name="credit_note_of_refund"),
)

series = aggregate_table(
    "number_series",
    metadata,
    sa.Column("prefix", sa.String(40), nullable=False),
    sa.Column("last", Big, nullable=False),
)

claims = aggregate_table(
    "claim_facts",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("handler", sa.String(24), nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("after_sales", sa.Boolean, nullable=False),
    sa.Index("claim_facts_by_order", "tenant", "order_id"),
)

returns = aggregate_table(
    "return_facts",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("claim_id", sa.String(64)),
    sa.Column("units", Json, nullable=False),
)

coupons = aggregate_table(
    "coupon",
    metadata,
    sa.Column("form", sa.String(16), nullable=False),
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("refund_id", sa.String(64), nullable=False),
    sa.Column("payment_id", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("value", Big, nullable=False),
    sa.Column("remaining", Big, nullable=False),
    sa.Column("code", sa.String(24)),
    sa.Column("code_hash", sa.String(64)),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("expires_at", Utc),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("uses", Json, nullable=False),
    sa.CheckConstraint("value > 0 AND remaining >= 0 AND remaining <= value", name="coupon_amounts"),  # T23
    sa.Index("coupon_by_code", "tenant", "code_hash", unique=True),
    sa.Index("coupon_by_tenant", "tenant", "updated_at", "id"),
    sa.Index("coupon_by_customer", "tenant", "customer_ref", "updated_at", "id"),
)

rulebooks = aggregate_table(
    "rulebook",
    metadata,
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("rules", Json, nullable=False),
    sa.Column("changed_by", sa.String(64), nullable=False),
    sa.Column("changed_at", Utc, nullable=False),
)

settlement_lines = aggregate_table(
    "settlement_line",
    metadata,
    sa.Column("provider", sa.String(24), nullable=False),
    sa.Column("provider_ref", sa.String(128)),
    sa.Column("refund_id", sa.String(64)),
    sa.Column("order_id", sa.String(64)),
    sa.Column("seller_id", sa.String(64)),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("expected", Big),
    sa.Column("found", Big),
    sa.Column("late_days", sa.Integer),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Index("settlement_line_by_kind", "tenant", "kind", "seen_at", "id"),
)

chargebacks = aggregate_table(
    "chargeback",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("payment_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", Big, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
)

# Which order a provider's payment belongs to: webhooks name neither order nor tenant.
payment_refs = sa.Table(
    "payment_ref",
    metadata,
    sa.Column("order_id", sa.String(64), primary_key=True),
    sa.Column("payment_id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("provider", sa.String(24), nullable=False),
    sa.Column("provider_ref", sa.String(128), nullable=False),
    sa.Index("payment_ref_by_ref", "provider", "provider_ref"),
)

# M16: a provider's event is handled once, however often it is delivered.
provider_events = sa.Table(
    "provider_event",
    metadata,
    sa.Column("provider", sa.String(24), primary_key=True),
    sa.Column("event_id", sa.String(128), primary_key=True),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("received_at", Utc, nullable=False),
)


def _counter(raw: dict) -> Counter:
    return Counter(raw["succeeded"], raw["reserved"])


def _tax(raw: dict) -> PartTax:
    return PartTax(raw["code"], raw["rate"], raw["amount"], _counter(raw["given"]))


def _part(raw: dict) -> dict[str, Any]:
    """A stored line or shipment with its value types."""
    counters = {name: _counter(raw[name]) for name in ("given", "goodwill", "before", "after") if name in raw}
    return {**raw, **counters, "taxes": [_tax(tax) for tax in raw["taxes"]]}


LEDGER = Mapping(
    RefundLedger,
    ledgers,
    load={
        "lines": lambda raw: [Line(**_part(one)) for one in raw],
        "shipments": lambda raw: [Shipment(**_part(one)) for one in raw],
        "payments": lambda raw: [Payment(**{**one, "given": _counter(one["given"])}) for one in raw],
    },
)
REFUND = Mapping(
    Refund,
    refunds,
    load={"slices": lambda raw: [Slice(**one) for one in raw]},
    companions={"order_id": RefundLedger},
)
COUPON = Mapping(Coupon, coupons, companions={"order_id": RefundLedger})
SETTLEMENT_LINE = Mapping(SettlementLine, settlement_lines)
STORAGE = Storage(
    metadata,
    runtime,
    [
        LEDGER,
        REFUND,
        Mapping(CreditNote, credit_notes),
        Mapping(NumberSeries, series),
        Mapping(ClaimFacts, claims),
        Mapping(Chargeback, chargebacks),
        Mapping(ReturnFacts, returns),
        COUPON,
        Mapping(Rulebook, rulebooks),
        SETTLEMENT_LINE,
    ],
)


def save_ledger(ctx: Context, ledger: RefundLedger) -> None:
    """Store the counters and append the entries behind them, in one transaction (M18)."""
    for entry in ledger.entries:
        row = {name: getattr(entry, name) for name in Entry.__slots__}
        ctx.insert(entries, order_id=ledger.id, tenant=ledger.tenant, **row)
    ledger.entries.clear()
    ctx.save(ledger)
