"""Files: announced, received, inspected away from everything else, given out with their message (T29)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.messaging import policies
from services.messaging.access import need_thread, standing
from services.messaging.attachments import model, queries
from services.messaging.attachments.model import CLEAN, COUNTED, ERASED, EXPECTED, PENDING, Attachment
from services.messaging.model import HELD, POSTED, PRIVATE, Message, Thread
from services.messaging.ports import Ports
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.jobs import JobRun
from shared.runtime.unit_of_work import Context

UPLOADERS = policies.INSIDERS - {"system"} | {"customer"}
EXPIRE = "attachment.expire"
INSPECT, ERASE = "attachment.inspect", "attachment.erase"
UNUSED_FOR = timedelta(hours=24)  # a file that nobody posted by then was given up


def offer_attachment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Name and size are judged before a byte is taken."""
    if ctx.principal.role not in UPLOADERS:
        raise Forbidden()
    thread, _ = need_thread(ctx, args)
    author = policies.author_of(ctx.principal)
    thread.admit(author[0])
    name = model.safe_name(args["name"])
    model.need_type(name)
    model.need_room(queries.count_on_thread(ctx, thread.id))
    file = Attachment(
        id=ctx.new_id("att"),
        tenant=ctx.tenant,
        thread_id=thread.id,
        message_id=None,
        author_type=author[0],
        author_id=author[1],
        name=name,
        size=args["size"],
        created_at=ctx.now,
    )
    file.offer()
    ctx.schedule(EXPIRE, file.id, ctx.now + UNUSED_FOR)
    ctx.save(file)
    return attachment_view(file)


def receive_attachment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The bytes are in the store; from here on a process of its own looks at them."""
    file = _need(ctx, args["attachment_id"])
    if file.mail_id is None and file.author != policies.author_of(ctx.principal):
        raise NotFound(kind="file", id=file.id)
    if file.mail_id is not None and ctx.principal.role != "system":
        raise NotFound(kind="file", id=file.id)
    file.receive(args["size"], args["sha256"])
    ctx.save(file)
    payload = {"incoming": file.incoming, "kept": file.kept, "ending": model.need_type(file.name)}
    ctx.job(INSPECT, file.id, payload)
    return attachment_view(file)


def get_attachment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    return attachment_view(_need(ctx, args["attachment_id"]))


def remove_attachment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Its uploader takes back what he has not posted yet."""
    file = _need(ctx, args["attachment_id"])
    ctx.check_version(file)
    if file.message_id is not None or file.mail_id is not None or file.author != policies.author_of(ctx.principal):
        raise Forbidden()
    erase_one(ctx, file)
    return attachment_view(file)


def attach(ctx: Context, message: Message, ids: list[str], mail_id: str | None = None) -> None:
    """mail_id: of the mail that the message came with, whose files these are then.

    Raises NotFound for a file that is not the writer's own on this thread, FileNotUsable, MessageTooHeavy.
    """
    belongs = (message.thread_id, message.author, mail_id)
    sizes = []
    for id in dict.fromkeys(ids):
        file = ctx.get(Attachment, id)
        if file is None or (file.thread_id, file.author, file.mail_id) != belongs:
            raise NotFound(kind="file", id=id)
        file.attach(message.id)
        sizes.append(file.size if file.state in COUNTED else 0)
        ctx.unschedule(EXPIRE, file.id)
        ctx.save(file)
    model.need_light(sizes)
    message.attachment_ids = list(dict.fromkeys(ids))


def detach(ctx: Context, message: Message) -> None:
    """The message is taken back: its files wait for another one, like any that was not posted."""
    for id in message.attachment_ids:
        file = ctx.need(Attachment, id)
        file.message_id = None
        ctx.schedule(EXPIRE, file.id, ctx.now + UNUSED_FOR)
        ctx.save(file)


def erase(ctx: Context, message: Message) -> None:
    """MSG-08."""
    for id in message.attachment_ids:
        file = ctx.need(Attachment, id)
        if file.state != ERASED:
            erase_one(ctx, file)


def expire_attachment(ctx: Context, timer: Any) -> None:
    file = ctx.need(Attachment, timer.ref)
    if file.message_id is None and file.state != ERASED:
        erase_one(ctx, file)


def erase_one(ctx: Context, file: Attachment) -> None:
    file.erase()
    ctx.unschedule(EXPIRE, file.id)
    ctx.save(file)
    ctx.job(ERASE, file.id, {"keys": [file.incoming, file.kept]})


# the effects


def inspect(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    return ports.inspector.inspect(payload["incoming"], payload["kept"], payload["ending"])


def settle_inspection(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> None:
    file = ctx.get(Attachment, job.key)
    if file is None or file.state != PENDING:
        return
    file.inspected(outcome["state"], outcome["reason"], outcome["type"], outcome["size"], outcome["sha256"])
    ctx.save(file)
    if file.state == CLEAN:
        ctx.job(ERASE, f"{file.id}:incoming", {"keys": [file.incoming]})


def delete_bytes(ports: Ports, payload: dict[str, Any], key: str) -> None:
    for each in payload["keys"]:
        ports.blobs.delete(each)


def settle_deletion(ctx: Context, job: JobRun, outcome: None) -> None:
    return None


# reading


def _need(ctx: Context, id: str) -> Attachment:
    """A file that the caller may know of: his own before it is posted, afterwards whoever may read its message."""
    file = ctx.get(Attachment, id)
    if file is None or not _readable(ctx, file):
        raise NotFound(kind="file", id=id)
    return file


def _readable(ctx: Context, file: Attachment) -> bool:
    if file.mail_id is not None and (file.message_id is None or ctx.principal.role == "system"):
        return ctx.principal.is_staff or ctx.principal.role == "system"  # nobody proved whose it is
    role = standing(ctx, ctx.need(Thread, file.thread_id or ""))
    if role is None:
        return False
    if file.message_id is None:
        return file.author == policies.author_of(ctx.principal)
    message = ctx.need(Message, file.message_id)
    if message.state == HELD:
        return message.writer == ctx.principal.id
    return message.state == POSTED and (role == "insider" or message.visibility != PRIVATE)


def attachment_view(file: Attachment) -> dict[str, Any]:
    sendable = [] if file.mail_id else ["attachment.upload"]
    actions = {EXPECTED: sendable, CLEAN: ["attachment.download"]}.get(file.state, [])
    return {
        "id": file.id,
        "thread_id": file.thread_id,
        "message_id": file.message_id,
        "name": file.name,
        "type": file.type,
        "size": file.size,
        "state": file.state,
        "reason": file.reason,
        "sha256": file.sha256,
        "version": file.version,
        "allowed_actions": actions if file.message_id or file.mail_id else [*actions, "attachment.remove"],
    }
