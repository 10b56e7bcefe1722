"""Tables of payment requests. The token itself is in none of them."""

from __future__ import annotations

import sqlalchemy as sa

from services.order.paying.model import PaymentLink, PaymentRequest
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table
from shared.storage.types import Utc


def mappings(metadata: sa.MetaData) -> list[Mapping]:
    """The mappings of this package, their tables added to the order service's metadata."""
    links = aggregate_table("payment_link", metadata, sa.Column("order_id", sa.String(64), nullable=False))
    return [Mapping(PaymentRequest, _requests(metadata)), Mapping(PaymentLink, links)]


def _requests(metadata: sa.MetaData) -> sa.Table:
    return aggregate_table(
        "payment_request",
        metadata,
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("order_number", sa.String(64), nullable=False),
        sa.Column("seller_id", sa.String(64), nullable=False),
        sa.Column("customer_ref", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount", Big, nullable=False),
        sa.Column("purpose", sa.String(200)),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("issued_at", Utc, nullable=False),
        sa.Column("expires_at", Utc, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("provider", sa.String(24)),
        sa.Column("started_at", Utc),
        sa.Column("provider_ref", sa.String(128)),
        sa.Column("provider_url", sa.Text),
        sa.Column("closing", sa.Boolean, nullable=False),
        sa.Column("failure", sa.String(64)),
        sa.Column("paid_at", Utc),
        sa.CheckConstraint("amount > 0", name="payment_request_amount"),
        sa.UniqueConstraint("token_hash", name="payment_request_token"),
        sa.Index("payment_request_of_order", "tenant", "order_id", "issued_at", "id"),
    )
