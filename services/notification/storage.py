"""Tables of the notification service."""

from __future__ import annotations

import sqlalchemy as sa

from services.notification.model import (
    ClaimCopy,
    CommentCopy,
    Contact,
    Digest,
    Disclosure,
    Notification,
    OrderCopy,
    ReplyBook,
    Roster,
)
from shared.runtime.unit_of_work import Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()


def _id(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(64), nullable=nullable)


contacts = aggregate_table(
    "contact",
    metadata,
    sa.Column("party", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("phone", sa.String(20)),
    sa.Column("locale", sa.String(16), nullable=False),
    sa.Column("bounces", sa.Integer, nullable=False),
    sa.Column("suppressed", sa.String(20)),
)

reply_books = aggregate_table("reply_book", metadata, sa.Column("entries", Json, nullable=False))

rosters = aggregate_table("roster", metadata, sa.Column("refs", Json, nullable=False))

digests = aggregate_table("digest", metadata, sa.Column("until", Utc, nullable=False), _id("head", nullable=True))

order_copies = aggregate_table(
    "order_copy",
    metadata,
    _id("number"),
    _id("customer_ref"),
    _id("seller_id"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("placed_at", Utc, nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("lines", Json, nullable=False),
    sa.Column("shipping", Big, nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False, server_default=""),
)

claim_copies = aggregate_table(
    "claim_copy",
    metadata,
    sa.Column("number", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    _id("order_id", nullable=True),
    _id("customer_ref"),
    _id("seller_id", nullable=True),
    sa.Column("handler", sa.String(20), nullable=False),
    _id("assignee", nullable=True),
    sa.Column("included", Json, nullable=False),
    sa.Column("marketplace", sa.String(64), nullable=False, server_default=""),
)

comment_copies = aggregate_table(
    "comment_copy",
    metadata,
    sa.Column("author_type", sa.String(20), nullable=False),
    sa.Column("visibility", sa.String(8), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("signature", sa.Text),
)

disclosures = aggregate_table("disclosure", metadata, sa.Column("message_ids", Json, nullable=False))

notifications = aggregate_table(
    "notification",
    metadata,
    _id("source_event_id"),
    sa.Column("source_type", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("template", sa.String(40), nullable=False),
    sa.Column("facts", Json, nullable=False),
    _id("order_id", nullable=True),
    _id("claim_id", nullable=True),
    _id("message_id", nullable=True),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("channel", sa.String(10), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("to", sa.String(254)),
    sa.Column("sent_at", Utc),
    sa.Column("error", sa.String(200)),
    sa.UniqueConstraint("source_event_id", "kind", "ref", "channel", name="notification_once"),
    sa.Index("notification_of_tenant", "tenant", "created_at", "id"),
    sa.Index("notification_of_order", "order_id", "created_at", "id"),
    sa.Index("notification_of_claim", "claim_id", "created_at", "id"),
)

STORAGE = Storage(
    metadata,
    runtime_tables(metadata),
    [
        Mapping(Contact, contacts),
        Mapping(Roster, rosters),
        Mapping(Digest, digests),
        Mapping(OrderCopy, order_copies),
        Mapping(ClaimCopy, claim_copies, load={"included": lambda rows: [tuple(row) for row in rows]}),
        Mapping(CommentCopy, comment_copies),
        Mapping(ReplyBook, reply_books),
        Mapping(Disclosure, disclosures),
        Mapping(Notification, notifications),
    ],
)
