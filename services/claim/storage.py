"""The tables of the claim service and how its aggregates become rows."""

from __future__ import annotations

import sqlalchemy as sa

from services.claim.model import Claim, Colleague, DeskModule, ObserverSeat, Offer, OrderCase, Subscription
from services.claim.model.sla import SlaClocks
from services.claim.profiles import PROFILES
from services.claim.profiles.activation import TenantProfile
from services.claim.returns.model import Return
from services.claim.saved.model import SavedView
from services.claim.score.model import SellerScore
from services.claim.withdrawal.model import Withdrawal
from shared.runtime.unit_of_work import Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()
runtime = runtime_tables(metadata)


def _index(name: str, *columns: str, when: str | None = None) -> sa.Index:
    """An index in the order of a page; `when` leaves out the rows in which that column says nothing."""
    if when is None:
        return sa.Index(name, *columns)
    said = sa.text(f"{when} IS NOT NULL")
    return sa.Index(name, *columns, postgresql_where=said, sqlite_where=said)


claims = aggregate_table(
    "claim",
    metadata,
    sa.Column("profile", sa.String(48), nullable=False),
    sa.Column("number", sa.String(80), nullable=False),
    sa.Column("category", sa.String(32), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("order_id", sa.String(64)),
    sa.Column("order_number", sa.String(64)),
    sa.Column("seller_id", sa.String(64)),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("photos", Json, nullable=False),
    sa.Column("handler", sa.String(16), nullable=False),
    sa.Column("former_handler", sa.String(16), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("state_since", Utc, nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("hold", sa.Boolean, nullable=False),
    sa.Column("disputed", Big, nullable=False),
    sa.Column("assignee", sa.String(64)),
    sa.Column("awaiting", sa.String(80)),
    sa.Column("awaiting_since", Utc),
    sa.Column("awaiting_manual", sa.Boolean, nullable=False),
    sa.Column("resolution", Json),
    sa.Column("observers", Json, nullable=False),
    sa.Column("appealed", sa.Boolean, nullable=False),
    sa.Column("merged_into", sa.String(64)),
    sa.Column("last_handler_public_at", Utc),
    sa.Column("last_customer_public_at", Utc),
    sa.Column("product_id", sa.String(64)),
    sa.Column("offer_id", sa.String(64)),
    sa.Column("delivery_id", sa.String(64)),
    sa.Column("requester_name", sa.String(120)),
    sa.Column("own_reason", Json),
    sa.Column("rating", Json),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("due_at", Utc),
    # A list is read as one scan per state, so one index serves every choice of them (lists/pages.py).
    _index("claim_by_state", "tenant", "state", "updated_at", "id"),
    _index("claim_by_seller", "tenant", "seller_id", "state", "updated_at", "id"),
    _index("claim_by_customer", "tenant", "customer_ref", "updated_at", "id"),
    _index("claim_by_order", "tenant", "order_id", "updated_at", "id"),
    # Nobody is awaited on what is over, and few claims are assigned: these two stay small.
    _index("claim_by_awaiting", "tenant", "awaiting", "updated_at", "id", when="awaiting"),
    _index("claim_by_assignee", "tenant", "assignee", "updated_at", "id", when="assignee"),
    _index("claim_by_due", "tenant", "due_at", when="due_at"),
)

# What PostgreSQL looks up where few claims among many are meant: the words of each, and each fact with its letter.
SEARCHED: sa.ColumnElement[str] = sa.literal_column(
    "array_to_tsvector(array_remove(string_to_array(btrim(words), ' ') || array['t:' || tenant, 's:' || state,"
    " 'c:' || category, 'r:' || reason_code, 'm:' || marketplace, 'h:' || handler, 'b:' || seller_id,"
    " 'a:' || assignee], null))"
)
# A short list of entries still to be sorted in, since every search reads it.
SEARCH_INDEX = f"CREATE INDEX claim_search ON claim USING gin (({SEARCHED})) WITH (gin_pending_list_limit = 512)"
sa.event.listen(claims, "after_create", sa.DDL(SEARCH_INDEX.replace("%", "%%")).execute_if(dialect="postgresql"))

saved_views = aggregate_table(
    "saved_view",
    metadata,
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("owner", sa.String(96), nullable=False),
    sa.Column("team", sa.String(96), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("filters", Json, nullable=False),
    _index("saved_view_by_team", "tenant", "team", "id"),
)

order_cases = aggregate_table(
    "order_case",
    metadata,
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("phase", sa.String(24), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("claims_ever", sa.Integer, nullable=False),
    sa.Column("placed_at", Utc),
    _index("order_case_by_seller", "tenant", "seller_id", "placed_at"),
    sa.Column("open_claims", sa.Integer, nullable=False),
    sa.Column("open_ids", Json, nullable=False),
    sa.Column("holding_ids", Json, nullable=False),
    sa.Column("cleared", sa.Boolean, nullable=False),
    sa.Column("parcels", Json, nullable=False),
    sa.Column("replaces", Json),
    sa.Column("delivered_at", Utc),
    sa.Column("locale", sa.String(8)),
)

offers = aggregate_table(
    "offer",
    metadata,
    sa.Column("offer_id", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("product_id", sa.String(64), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("supplier_id", sa.String(64)),
    sa.Column("profile", sa.String(48), nullable=False),
    sa.Column("published", sa.Boolean, nullable=False),
    sa.Column("no_withdrawal", sa.String(32)),
    _index("offer_by_product", "tenant", "product_id"),
)

colleagues = aggregate_table("colleague", metadata, sa.Column("party", sa.String(16), nullable=False))

modules = aggregate_table(
    "desk_module",
    metadata,
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(48), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("reasons_off", Json, nullable=False),
    sa.Column("reasons_added", Json, nullable=False),
)

seats = aggregate_table(
    "observer_seat",
    metadata,
    sa.Column("claim_id", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("ref", sa.String(64), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    _index("seat_by_observer", "tenant", "kind", "ref", "claim_id"),
)

sla_clocks = aggregate_table("sla_clocks", metadata, sa.Column("runs", Json, nullable=False))

seller_scores = aggregate_table(
    "seller_score",
    metadata,
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("computed_at", Utc, nullable=False),
    sa.Column("rate", sa.String(16), nullable=False),
    sa.Column("level", sa.String(16), nullable=False),
    _index("seller_score_by_age", "tenant", "computed_at"),
)

tenant_profiles = aggregate_table(
    "tenant_profile",
    metadata,
    sa.Column("key", sa.String(48), nullable=False, index=True),
    sa.Column("code", sa.String(24), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, index=True),
    sa.Column("activated_at", Utc, nullable=False),
)

returns = aggregate_table(
    "claim_return",
    metadata,
    sa.Column("claim_id", sa.String(64), nullable=False),
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("order_number", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("wants", sa.String(16), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("rma", sa.String(64)),
    sa.Column("inspected", Json, nullable=False),
    sa.Column("reasons", Json),
    sa.Column("label", Json),
    sa.Column("cost_bearer", sa.String(16)),
    sa.Column("cost", Big, nullable=False),
    sa.Column("tracking", Json),
    sa.Column("note", sa.String(500)),
    sa.Column("refund_id", sa.String(64)),
    sa.Column("outbound", sa.Boolean, nullable=False),
    _index("return_by_claim", "tenant", "claim_id", "updated_at", "id"),
    _index("return_by_change", "tenant", "updated_at", "id"),
)

withdrawals = aggregate_table(
    "withdrawal",
    metadata,
    sa.Column("order_id", sa.String(64), nullable=False),
    sa.Column("order_number", sa.String(64), nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("seller_id", sa.String(64), nullable=False),
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("stated_at", Utc, nullable=False),
    sa.Column("deadline", Utc),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("received_at", Utc),
    sa.Column("claim_id", sa.String(64)),
    sa.Column("return_id", sa.String(64)),
    _index("withdrawal_by_claim", "tenant", "claim_id", when="claim_id"),
)

subscriptions = aggregate_table(
    "subscription",
    metadata,
    sa.Column("customer_ref", sa.String(64), nullable=False),
    sa.Column("product_id", sa.String(64), nullable=False),
    sa.Column("url", sa.String(500), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    _index("subscription_by_customer", "tenant", "customer_ref", "url"),
)

STORAGE = Storage(
    metadata,
    runtime,
    [
        Mapping(
            Claim,
            claims,
            load={"profile": PROFILES.frozen},
            dump={"profile": lambda profile: profile.key},
            companions={"order_id": OrderCase},
        ),
        Mapping(OrderCase, order_cases),
        Mapping(Subscription, subscriptions),
        Mapping(ObserverSeat, seats),
        Mapping(SlaClocks, sla_clocks),
        Mapping(SellerScore, seller_scores),
        Mapping(TenantProfile, tenant_profiles),
        Mapping(Offer, offers),
        Mapping(Colleague, colleagues),
        Mapping(DeskModule, modules),
        Mapping(SavedView, saved_views),
        Mapping(Return, returns),
        Mapping(Withdrawal, withdrawals),
    ],
)
