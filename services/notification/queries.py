"""The read side: what was told to whom, and what a mail needs when it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.notification.model import (
    ClaimCopy,
    CommentCopy,
    Contact,
    Notification,
    OrderCopy,
    ReplyBook,
    contact_id,
)
from services.notification.storage import STORAGE, notifications
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

FILTERS = {"order_id": "order_id", "claim_id": "claim_id", "event_id": "source_event_id", "state": "state"}


@dataclass(frozen=True, slots=True)
class Dossier:
    """A notification with everything its mail is made of, as known now; what is not known is None."""

    notification: Notification
    contact: Contact | None
    order: OrderCopy | None
    claim: ClaimCopy | None
    comments: list[CommentCopy | None]
    replies: ReplyBook | None = None


def list_notifications(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Newest first; staff of the tenant only: it shows who was reached, and how."""
    if not ctx.principal.is_staff:
        raise Forbidden()
    mapping = STORAGE.mappings[Notification]
    statement = sa.select(*mapping.raw_columns).where(notifications.c.tenant == ctx.tenant)
    for name, column in FILTERS.items():
        if name in args:
            statement = statement.where(notifications.c[column] == args[name])
    columns = notifications.c
    return page(ctx.connection, statement, columns.created_at, columns.id, args["limit"], args.get("cursor"), _row_view)


def told_of_claim(ctx: Context, claim_id: str) -> list[str]:
    """The ids of everything that anybody was told of this claim."""
    mine = sa.select(notifications.c.id)
    found = mine.where(notifications.c.claim_id == claim_id, notifications.c.tenant == ctx.tenant)
    return list(ctx.connection.execute(found).scalars())


def sent_as(ctx: Context, message_id: str) -> Notification | None:
    """The notification whose mail had this Message-ID, of whatever tenant: the id is the only right of a report."""
    mapping = STORAGE.mappings[Notification]
    row = ctx.work.row(mapping, message_id.strip("<> ").partition("@")[0].rpartition(".")[2])
    return mapping.from_row(row) if row is not None else None


def dossier(connection: sa.Connection, tenant: str, notification_id: str, masked: bool = False) -> Dossier:
    """masked: also how the mail can be answered. Raises NotFound when there is no such notification."""
    notification = _one(connection, tenant, Notification, notification_id)
    if notification is None:
        raise NotFound(kind="notification", id=notification_id)
    return Dossier(
        notification,
        _one(connection, tenant, Contact, contact_id(tenant, notification.kind, notification.ref)),
        _one(connection, tenant, OrderCopy, notification.order_id),
        _one(connection, tenant, ClaimCopy, notification.claim_id),
        [_one(connection, tenant, CommentCopy, id) for id in notification.message_ids],
        _one(connection, tenant, ReplyBook, notification.thread_id) if masked else None,
    )


def _one(connection: sa.Connection, tenant: str, entity: type, id: str | None) -> Any | None:
    if id is None:
        return None
    mapping = STORAGE.mappings[entity]
    table = mapping.table
    found = connection.execute(mapping.select().where(table.c.id == id, table.c.tenant == tenant)).mappings().first()
    return mapping.from_row(dict(found)) if found else None


def _row_view(row: Any) -> dict[str, Any]:
    return notification_view(STORAGE.mappings[Notification].from_row(dict(row)))


def notification_view(told: Notification) -> dict[str, Any]:
    """`to` is masked: a list of notifications is no address book. event_id: of a repeat, the notification before."""
    return {
        "id": told.id,
        "event_id": told.source_event_id,
        "event_type": told.source_type,
        "recipient": {"kind": told.kind, "ref": told.ref},
        "channel": told.channel,
        "template": told.template,
        "state": told.state,
        "tries": told.tries,
        "to": told.to,
        "error": told.error,
        "order_id": told.order_id,
        "claim_id": told.claim_id,
        "message_id": told.message_id,
        "created_at": stamp(told.created_at),
        "sent_at": stamp(told.sent_at) if told.sent_at else None,
        "version": told.version,
        "allowed_actions": ["notification.resend"] if told.can_repeat else [],
    }
