"""The tables of the refund service and how its aggregates become rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.refund.model import (
    Chargeback,
    ClaimFacts,
    Counter,
    CreditNote,
    Entry,
    Line,
    NumberSeries,
    PartTax,
    Payment,
    Refund,
    RefundLedger,
    Shipment,
    Slice,
)
from shared.runtime.unit_of_work import Context, Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()
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
    ],
)


def save_ledger(ctx: Context, ledger: RefundLedger) -> None:
    """Store the counters and append the entries behind them, in one transaction (M18)."""
    for entry in ledger.entries:
        row = {name: getattr(entry, name) for name in Entry.__slots__}
        ctx.insert(entries, order_id=ledger.id, tenant=ledger.tenant, **row)
    ledger.entries.clear()
    ctx.save(ledger)
