"""Tables of invoices. `identity`, `billing` and `invoice` hold names and addresses: they never leave in an event."""

from __future__ import annotations

import sqlalchemy as sa

from services.order.invoicing.model import Billing, Identity, Invoice
from shared.kernel.numbering import NumberSeries
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table
from shared.storage.types import Json, Utc


def mappings(metadata: sa.MetaData) -> list[Mapping]:
    """The mappings of this package, their tables added to the order service's metadata."""
    identity = aggregate_table(
        "identity",
        metadata,
        sa.Column("seller_id", sa.String(64), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("series", sa.String(8), nullable=False),
    )
    billing = aggregate_table("billing", metadata, sa.Column("details", Json, nullable=False))
    numbers = aggregate_table(
        "invoice_numbers",
        metadata,
        sa.Column("prefix", sa.String(40), nullable=False),
        sa.Column("last", Big, nullable=False),
    )
    return [
        Mapping(Identity, identity),
        Mapping(Billing, billing),
        Mapping(NumberSeries, numbers),
        Mapping(Invoice, _invoice(metadata)),
    ]


def _invoice(metadata: sa.MetaData) -> sa.Table:
    return aggregate_table(
        "invoice",
        metadata,
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("order_number", sa.String(64), nullable=False),
        sa.Column("seller_id", sa.String(64), nullable=False),
        sa.Column("customer_ref", sa.String(64), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("seller", Json, nullable=False),
        sa.Column("buyer", Json, nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.Column("charges", Json, nullable=False),
        sa.Column("total", Big, nullable=False),
        sa.Column("paid", Big, nullable=False),
        sa.Column("ordered_on", sa.String(10), nullable=False),
        sa.Column("issued_on", sa.String(10), nullable=False),
        sa.Column("issued_at", Utc, nullable=False),
        sa.UniqueConstraint("tenant", "seller_id", "number", name="invoice_number"),  # I12
        sa.UniqueConstraint("order_id", name="invoice_of_order"),
        sa.Index("invoice_by_tenant", "tenant", "issued_at", "id"),
        sa.Index("invoice_by_seller", "tenant", "seller_id", "issued_at", "id"),
        sa.Index("invoice_by_customer", "tenant", "customer_ref", "issued_at", "id"),
    )
