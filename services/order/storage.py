"""The tables of the order service and how its aggregates become rows."""

from __future__ import annotations

import sqlalchemy as sa

from services.order.invoicing import storage as invoicing
from services.order.model import (
    Contact,
    Entitlement,
    LifecyclePlan,
    Line,
    Marketplace,
    Order,
    ReminderChoice,
    Settlement,
    line_data,
)
from services.order.paying import storage as paying
from shared.runtime.unit_of_work import Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()
runtime = runtime_tables(metadata)

orders = aggregate_table(
    "orders",
    metadata,
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("customer", Json, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("shipments", Json, nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("placed_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("phase", sa.String(24), nullable=False),
    sa.Column("public_state", sa.String(64)),
    sa.Column("internal_state", sa.String(64)),
    sa.Column("captured", Big, nullable=False),
    sa.Column("payments", Json, nullable=False),
    sa.Column("parcels", Json, nullable=False),
    sa.Column("open_claims", Json, nullable=False),
    sa.Column("claim_count", sa.Integer, nullable=False),
    sa.Column("entitlements", Json, nullable=False),
    sa.Column("replaces", Json),
    sa.Column("invoice_id", sa.String(64)),
    sa.Column("payment_request", Json),
    sa.UniqueConstraint("tenant", "marketplace", "number", name="orders_number"),
    # one index per list that people page through, in the order of the page
    sa.Index("orders_by_tenant", "tenant", "updated_at", "id"),
    sa.Index("orders_by_seller", "tenant", "seller_id", "updated_at", "id"),
    sa.Index("orders_by_customer", "tenant", "customer_ref", "updated_at", "id"),
)

settlements = aggregate_table(
    "settlement",
    metadata,
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("holds", Json, nullable=False),
    sa.Column("released", Json, nullable=False),
    sa.Column("order_completed", sa.Boolean, nullable=False),
    sa.Column("payout_ref", sa.String(64)),
    sa.Column("paid_out", Big, nullable=False),
    sa.Column("proposed", Big, nullable=False),
    sa.Column("refunded", Big, nullable=False),
    sa.Column("clawed_back", Big, nullable=False),
)

marketplaces = aggregate_table(
    "marketplace",
    metadata,
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("public_states", Json, nullable=False),
    sa.Column("internal_states", Json, nullable=False),
    sa.Column("stock_managed", sa.Boolean, nullable=False),
    sa.Column("parcel_number_required", sa.Boolean, nullable=False),
    sa.Column("complete_after_days", sa.Integer),
    sa.Column("tax_codes", Json),
)

entitlements = aggregate_table(
    "entitlement",
    metadata,
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("product_id", sa.String(64), nullable=False),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("line_id", sa.String(64), nullable=False),
    sa.Column("starts_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("watched", Json, nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("refunds", Json, nullable=False),
    sa.Index("entitlement_by_customer", "tenant", "customer_ref", "ends_at", "id"),
    sa.Index("entitlement_by_tenant", "tenant", "ends_at", "id"),
)

plans = aggregate_table(
    "lifecycle_plan",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("line_id", sa.String(64), nullable=False),
    sa.Column("product_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("units", sa.Integer, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("remind_at", Utc, nullable=False),
    sa.Column("offer_code", sa.String(64)),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("refunded", Json, nullable=False),
    sa.Index("plan_by_order", "tenant", "order_id"),
    sa.Index("plan_by_customer", "tenant", "customer_ref", "state"),
)

reminder_choices = aggregate_table(
    "reminder_choice",
    metadata,
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("wanted", sa.Boolean, nullable=False),
)

contacts = aggregate_table(
    "contact",
    metadata,
    sa.Column("party", sa.String(16), nullable=False),
    sa.Column("ref", sa.String(64), nullable=False),
    sa.Column("details", Json, nullable=False),
)

STORAGE = Storage(
    metadata,
    runtime,
    [
        Mapping(Order, orders, load={"lines": lambda raw: [Line(**line) for line in raw]}, dump={"lines": line_data}),
        Mapping(Settlement, settlements),
        Mapping(Contact, contacts),
        Mapping(Marketplace, marketplaces),
        Mapping(Entitlement, entitlements),
        Mapping(LifecyclePlan, plans),
        Mapping(ReminderChoice, reminder_choices),
        *invoicing.mappings(metadata),
        *paying.mappings(metadata),
    ],
)
