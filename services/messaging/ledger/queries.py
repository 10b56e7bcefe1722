"""Who received which message: the disclosure ledger (N3), append-only. Fed by mails that left and by reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.messaging import policies
from services.messaging.ledger.failures import status_of
from services.messaging.model import POSTED, Message, Who
from services.messaging.storage import disclosures
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.upsert import insert_for


def record_reads(ctx: Context, read: Iterable[Message]) -> None:
    """The caller is about to be given these. What he wrote himself, and what he had before, is not written again.

    The only writing that a query does: what was read must be known before the answer leaves, or it could be denied.
    """
    reader = policies.author_of(ctx.principal)
    news = [message for message in read if message.state == POSTED and message.author != reader]
    if not news or ctx.principal.role == "system":
        return
    person, channel = ctx.principal.id, _channel(ctx.principal)
    rows = {row["id"]: row for row in (_row(m, reader, person, channel, None, ctx.now) for m in news)}
    connection = ctx.connection
    known = sa.select(disclosures.c.id).where(disclosures.c.id.in_(rows))
    for id in connection.execute(known).scalars():
        del rows[id]
    if rows:
        statement = insert_for(connection.dialect.name)(disclosures).on_conflict_do_nothing()
        connection.execute(statement, [rows[id] for id in sorted(rows)])


def record_mail(ctx: Context, message: Message, recipient: Who, channel: str, reference: str, at: datetime) -> None:
    """A mail with this message has left."""
    ctx.insert(disclosures, **_row(message, recipient, None, channel, reference, at))


def disclosed(ctx: Context, message: Message) -> list[dict[str, Any]]:
    """Everybody who was given a message, first to last. failed: the mail left, but came back (B14)."""
    rows = sa.select(disclosures).where(disclosures.c.tenant == ctx.tenant, disclosures.c.message_id == message.id)
    found = ctx.connection.execute(rows.order_by(disclosures.c.at, disclosures.c.id)).mappings()
    return [
        {
            "type": row["kind"],
            "id": row["ref"],
            "person": row["person"],
            "channel": row["channel"],
            "reference": row["reference"],
            "at": stamp(row["at"]),
            **({"failed": status} if (status := status_of(message, row["reference"])) else {}),
        }
        for row in found
    ]


def _channel(principal: Principal) -> str:
    return "ui" if principal.via == "ui" else "api"


def _row(
    message: Message, who: Who, person: str | None, channel: str, reference: str | None, at: datetime
) -> dict[str, Any]:
    revision = len(message.revisions)
    told = "\n".join((message.id, str(revision), *who, person or "", channel, reference or ""))
    return {
        "id": "dsc_" + hashlib.sha256(told.encode()).hexdigest()[:40],
        "tenant": message.tenant,
        "message_id": message.id,
        "revision": revision,
        "kind": who[0],
        "ref": who[1],
        "person": person,
        "channel": channel,
        "reference": reference,
        "at": at,
    }
