"""Tables of the messaging service. Every column that a list filters on is in an index that ends in the id."""

from __future__ import annotations

import sqlalchemy as sa

from services.messaging.attachments.model import Attachment
from services.messaging.composing.model import Signature, Template
from services.messaging.drafts.model import Draft, Visit
from services.messaging.mail_model import Alias, AliasBook, InboundMail, MailPair, Senders
from services.messaging.model import Inclusion, Message, OrderParties, PrivateTalk, PublicTalk, Thread
from services.messaging.opening.model import AccessRequest
from shared.runtime.unit_of_work import Storage
from shared.storage.mapping import Mapping
from shared.storage.tables import Big, aggregate_table, runtime_tables
from shared.storage.types import Json, Utc

metadata = sa.MetaData()


def _id(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(64), nullable=nullable)


threads = aggregate_table(
    "thread",
    metadata,
    _id("claim_id", nullable=True),
    _id("order_id", nullable=True),
    _id("customer_ref", nullable=True),
    _id("seller_id", nullable=True),
    sa.Column("profile", sa.String(32)),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("cancel_pending", sa.Boolean, nullable=False),
    sa.Column("access_asked", sa.Boolean, nullable=False),
    _id("merged_into", nullable=True),
    _id("offer_id", nullable=True),
    sa.Index("thread_of_tenant", "tenant", "id"),
    sa.Index("thread_of_order", "order_id", "id"),
    sa.Index("thread_of_seller", "tenant", "seller_id", "id"),
    sa.Index("thread_of_customer", "tenant", "customer_ref", "id"),
    sa.Index("thread_of_offer", "offer_id", "id"),
)

messages = aggregate_table(
    "message",
    metadata,
    _id("thread_id"),
    _id("claim_id", nullable=True),
    _id("order_id", nullable=True),
    _id("customer_ref", nullable=True),
    _id("seller_id", nullable=True),
    sa.Column("author_type", sa.String(20), nullable=False),
    _id("author_id"),
    sa.Column("visibility", sa.String(8), nullable=False),
    sa.Column("via", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("origin", sa.String(32), nullable=False),
    sa.Column("posted_at", Utc, nullable=False),
    sa.Column("asks", Json),
    sa.Column("number", sa.Integer),
    sa.Column("handled_at", Utc),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("writer", sa.String(64), nullable=False),
    sa.Column("release_at", Utc),
    sa.Column("edited_at", Utc),
    sa.Column("revisions", Json, nullable=False),
    sa.Column("attachment_ids", Json, nullable=False),
    sa.Column("agreement", Json),
    sa.Column("signature", sa.Text),
    sa.Column("undelivered", Json, nullable=False, server_default="[]"),
    sa.Index("message_of_thread", "thread_id", "posted_at", "id"),
    sa.Index("message_of_claim", "claim_id", "posted_at", "id"),
    sa.Index("message_of_order", "order_id", "posted_at", "id"),
)

public_talks = aggregate_table(
    "public_talk",
    metadata,
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last", Json, nullable=False),
    sa.Column("handled", Json, nullable=False),
)

private_talks = aggregate_table("private_talk", metadata, sa.Column("count", sa.Integer, nullable=False))

inclusions = aggregate_table(
    "inclusion",
    metadata,
    _id("thread_id"),
    sa.Column("kind", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("scope", sa.String(8), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Index("inclusion_of_thread", "thread_id"),
    sa.Index("inclusion_of_participant", "kind", "ref", "thread_id"),
)

order_parties = aggregate_table(
    "order_parties",
    metadata,
    _id("customer_ref"),
    _id("seller_id"),
    sa.Column("marketplace", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(32), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("total", Big, nullable=False),
    sa.Column("placed_at", Utc),
    sa.Column("lines", Json, nullable=False),
)

attachments = aggregate_table(
    "attachment",
    metadata,
    _id("thread_id", nullable=True),
    _id("message_id", nullable=True),
    sa.Column("author_type", sa.String(20), nullable=False),
    _id("author_id"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("type", sa.String(80)),
    sa.Column("sha256", sa.String(64)),
    sa.Column("reason", sa.String(80)),
    _id("mail_id", nullable=True),
    sa.Index("attachment_of_thread", "thread_id", "id"),
)

access_requests = aggregate_table(
    "access_request",
    metadata,
    _id("thread_id"),
    _id("claim_id", nullable=True),
    _id("order_id", nullable=True),
    _id("seller_id", nullable=True),
    _id("customer_ref", nullable=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("permissions", Json, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("until", Utc, nullable=False),
    sa.Column("asked_by_type", sa.String(20), nullable=False),
    _id("asked_by_id"),
    sa.Column("asked_at", Utc, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("decided_at", Utc),
    sa.Index("access_request_of_thread", "thread_id", "id"),
)

templates = aggregate_table(
    "template",
    metadata,
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("locale", sa.String(8), nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),
    _id("owner", nullable=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("variables", Json, nullable=False),
    sa.Column("removed", sa.Boolean, nullable=False),
    sa.Index("template_of_owner", "tenant", "owner", "id"),
)

signatures = aggregate_table(
    "signature",
    metadata,
    sa.Column("scope", sa.String(8), nullable=False),
    _id("owner"),
    sa.Column("text", sa.Text, nullable=False),
)

disclosures = sa.Table(
    "disclosure",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    _id("message_id"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("person", sa.String(64)),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(300)),
    sa.Column("at", Utc, nullable=False),
    sa.Index("disclosure_of_message", "message_id", "at"),
)

aliases = aggregate_table(
    "alias",
    metadata,
    _id("alias_id"),
    _id("thread_id", nullable=True),
    _id("order_id", nullable=True),
    sa.Column("kind", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("revoked", sa.String(200)),
    sa.Index("alias_of_thread", "thread_id"),
    sa.Index("alias_by_its_id", "alias_id"),
)

alias_books = aggregate_table("alias_book", metadata, sa.Column("entries", Json, nullable=False))

senders = aggregate_table(
    "senders",
    metadata,
    sa.Column("party", sa.String(20), nullable=False),
    _id("ref"),
    sa.Column("contact", sa.String(254)),
    sa.Column("addresses", Json, nullable=False),
    sa.Column("domains", Json, nullable=False),
)

mail_pairs = aggregate_table(
    "mail_pair", metadata, sa.Column("seen", Json, nullable=False), sa.Column("noticed_at", Utc)
)

inbound_mails = aggregate_table(
    "inbound_mail",
    metadata,
    _id("alias_id", nullable=True),
    _id("thread_id", nullable=True),
    _id("order_id", nullable=True),
    sa.Column("kind", sa.String(20)),
    _id("ref", nullable=True),
    sa.Column("sender", sa.String(320), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("trust", sa.String(8), nullable=False),
    sa.Column("attachments", Json, nullable=False),
    sa.Column("raw", sa.String(200)),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("reason", sa.String(60)),
    _id("message_id", nullable=True),
    _id("token", nullable=True),
    sa.Index("inbound_mail_of_tenant", "tenant", "received_at", "id"),
    sa.Index("inbound_mail_of_alias", "alias_id"),
    sa.Index("inbound_mail_of_token", "token"),
    sa.Index("inbound_mail_of_thread", "thread_id", "received_at"),
    sa.Index("inbound_mail_of_order", "order_id", "received_at"),
)

drafts = aggregate_table(
    "draft",
    metadata,
    _id("thread_id"),
    sa.Column("author_type", sa.String(20), nullable=False),
    _id("author_id"),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("visibility", sa.String(8)),
    _id("seen"),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Index("draft_of_thread", "thread_id", "updated_at"),
)

visits = aggregate_table(
    "visit",
    metadata,
    _id("thread_id"),
    sa.Column("author_type", sa.String(20), nullable=False),
    _id("author_id"),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Index("visit_of_thread", "thread_id", "updated_at"),
)

STORAGE = Storage(
    metadata,
    runtime_tables(metadata),
    [
        Mapping(Thread, threads),
        Mapping(Message, messages),
        Mapping(PublicTalk, public_talks),
        Mapping(PrivateTalk, private_talks),
        Mapping(Inclusion, inclusions),
        Mapping(Draft, drafts),
        Mapping(Visit, visits),
        Mapping(OrderParties, order_parties),
        Mapping(Alias, aliases),
        Mapping(AliasBook, alias_books),
        Mapping(Senders, senders),
        Mapping(MailPair, mail_pairs),
        Mapping(InboundMail, inbound_mails),
        Mapping(Attachment, attachments),
        Mapping(AccessRequest, access_requests),
        Mapping(Template, templates),
        Mapping(Signature, signatures),
    ],
)
