"""Files that came with a mail: from here on as if its holder had announced them; mail-in brings their bytes (T29).

What may not be attached is kept as a refused file, so that whoever reads the message sees that there was one.
"""

from __future__ import annotations

from typing import Any

from services.messaging.attachments import handlers as files
from services.messaging.attachments import model, queries
from services.messaging.attachments.model import COUNTED, ERASED, EXPECTED, REFUSED, Attachment, FileTypeRefused
from services.messaging.mail_model import Holder, InboundMail
from shared.contracts.attachments import FILES_PER_MESSAGE, LARGEST, MOST_PER_THREAD, TYPES
from shared.runtime.unit_of_work import Context

MOST_SHOWN = 2 * FILES_PER_MESSAGE  # the rest is named by the mail alone
NAME, SIZE, NUMBER = "FILE_TYPE_REFUSED", "FILE_SIZE_REFUSED", "TOO_MANY_FILES"


def of_mail(ctx: Context, mail: InboundMail, thread_id: str | None, holder: Holder) -> list[str]:
    """The ids of its files, for a message on this thread; thread_id: none while nobody let the mail in."""
    if not mail.attachments:
        return []
    known = [each for each in mail.attachments if "id" in each]
    if known:
        for each in known:
            file = ctx.need(Attachment, each["id"])
            file.thread_id = thread_id
            ctx.save(file)
    else:
        room = MOST_PER_THREAD - queries.count_on_thread(ctx, thread_id) if thread_id else MOST_PER_THREAD
        room = min(room, FILES_PER_MESSAGE)
        listed = []
        for each in mail.attachments[:MOST_SHOWN]:
            file = _offer(ctx, mail, each, thread_id, holder, room)
            room -= file.state in COUNTED
            listed.append({**each, "id": file.id})
        mail.attachments = listed + mail.attachments[MOST_SHOWN:]
    return [each["id"] for each in mail.attachments if "id" in each]


def expected(ctx: Context, mail: InboundMail) -> list[dict[str, Any]]:
    """Which of its files mail-in has to bring: their place in the mail, and their id."""
    numbered = [(number, each["id"]) for number, each in enumerate(mail.attachments) if "id" in each]
    return [
        {"number": number, "attachment_id": id} for number, id in numbered if ctx.need(Attachment, id).state == EXPECTED
    ]


def forget(ctx: Context, mail: InboundMail) -> None:
    """What never became part of a message goes with the mail."""
    for each in mail.attachments:
        file = ctx.get(Attachment, each["id"]) if "id" in each else None
        if file is not None and file.message_id is None and file.state != ERASED:
            files.erase_one(ctx, file)


def _offer(
    ctx: Context, mail: InboundMail, told: dict[str, Any], thread_id: str | None, holder: Holder, room: int
) -> Attachment:
    name = _named(told["name"], told["media_type"])
    file = Attachment(
        id=ctx.new_id("att"),
        tenant=ctx.tenant,
        thread_id=thread_id,
        message_id=None,
        author_type=holder[0],
        author_id=holder[1],
        name=name,
        size=told["size"],
        created_at=ctx.now,
        mail_id=mail.id,
    )
    file.reason = _objection(name, told["size"], room)
    file.state = REFUSED if file.reason else EXPECTED
    file.offer()
    ctx.save(file)
    return file


def _objection(name: str, size: int, room: int) -> str | None:
    try:
        model.need_type(name)
    except FileTypeRefused:
        return NAME
    if not 0 < size <= LARGEST:
        return SIZE
    return NUMBER if room <= 0 else None


def _named(name: str, media_type: str) -> str:
    """Some programs name no file: its type gives the ending."""
    shown = model.safe_name(name)
    ending = next((ending for ending, type in TYPES.items() if type == media_type), "")
    return shown if "." in shown or not ending else f"{shown}.{ending}"
