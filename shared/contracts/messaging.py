"""The public language of the messaging service. Private text leaves it only as `private_message.posted`."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, Moment, Strict, Text, Whole
from shared.contracts.registry import PRIVATE, Operation, announce
from shared.contracts.roles import HANDLERS, PARTIES, SELLER
from shared.kernel.principal import STAFF

MESSAGE_LENGTH = 10_000  # characters: a long letter; what is longer is a document
BULK = 500  # ids per call (model 7)

VISIBILITIES = ("public", "private")
AUTHORS = ("customer", "seller", "supplier", "account_observer", "coordinator", "platform_agent", "system")
ORIGINS = ("claim.opened", "claim.solution_proposed", "thread.opened", "post")


class ParticipantSchema(Strict):
    """Somebody on a thread: the customer's ref, the seller's or supplier's id, else the account's id."""

    type = fields.String(required=True, validate=validate.OneOf(AUTHORS))
    id = Id(required=True)


class AskedSchema(Strict):
    """Who is asked by a private comment; without an id, anybody of that type."""

    type = fields.String(
        required=True, validate=validate.OneOf(("seller", "supplier", "coordinator", "platform_agent"))
    )
    id = Id()


class SubjectSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("claim", "order")))
    id = Id(required=True)


class OnThread(Strict):
    """What every messaging event says: which thread, what it is about, whose it is."""

    thread_id = Id(required=True)
    claim_id = Id(allow_none=True)
    order_id = Id(allow_none=True)
    seller_id = Id(required=True, allow_none=True)
    customer_ref = Id(required=True, allow_none=True)


class ThreadChanged(OnThread):
    subject = fields.Nested(SubjectSchema, required=True)
    by = fields.Nested(ParticipantSchema, required=True)


class Posted(OnThread):
    """origin: why it was posted; `post` is a person's own message, the others accompany the event they name."""

    message_id = Id(required=True)
    author = fields.Nested(ParticipantSchema, required=True)
    visibility = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    via = fields.String(required=True)
    text = Text(MESSAGE_LENGTH, required=True)
    asks = fields.Nested(AskedSchema, allow_none=True)
    origin = fields.String(required=True, validate=validate.OneOf(ORIGINS))
    posted_at = Moment(required=True)


class VisibilityChanged(OnThread):
    """`text` only when the message has become public; already_disclosed_to: who could read it before it was hidden."""

    message_id = Id(required=True)
    author = fields.Nested(ParticipantSchema, required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    from_ = fields.String(data_key="from", required=True, validate=validate.OneOf(VISIBILITIES))
    to = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    text = Text(MESSAGE_LENGTH)
    already_disclosed_to = fields.List(fields.Nested(ParticipantSchema), required=True)


class Handled(OnThread):
    """and_earlier: all earlier messages of the same side are handled with it (MSG-07)."""

    message_id = Id(required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    and_earlier = fields.Boolean(required=True)


announce(
    "messaging",
    {
        "thread.opened": ThreadChanged(),
        "thread.closed": ThreadChanged(),
        "thread.reopened": ThreadChanged(),
        "message.posted": Posted(),
        "message.visibility_changed": VisibilityChanged(),
        "message.handled": Handled(),
    },
)
announce("messaging", {"private_message.posted": Posted()}, audience=PRIVATE, exchange="messaging.private")


class OneThread(Strict):
    """A thread, by its own id or by its claim's."""

    thread_id = Id()
    claim_id = Id()

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if ("thread_id" in data) == ("claim_id" in data):
            raise ValidationError("Name the thread either by thread_id or by claim_id.")


AUTOMATIC = "automatic"  # via: a machine wrote it; nobody has answered yet (S3-21)


class PostArgs(OneThread):
    """Without `visibility` the server decides (S1-31): see `compose_defaults` of the thread.

    automatic: written by a machine, an auto-responder or a bot; it is shown, and counts as nobody's answer.
    """

    text = Text(MESSAGE_LENGTH, required=True)
    visibility = fields.String(validate=validate.OneOf(VISIBILITIES))
    asks = fields.Nested(AskedSchema)
    automatic = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class SetVisibilityArgs(Strict):
    """confirm: must be true to make a private comment public (MSG-04)."""

    message_id = Id(required=True)
    visibility = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    confirm = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class OneMessage(Strict):
    message_id = Id(required=True)


class OpenThreadArgs(Strict):
    """A first message to the customer of an order, with no claim needed (S0-02)."""

    order_id = Id(required=True)
    text = Text(MESSAGE_LENGTH, required=True)


class CloseThreadsArgs(Strict):
    thread_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))


class Paged(Strict):
    limit = Whole(least=1, most=200, load_default=50)
    cursor = Id()


class ListThreadsArgs(Paged):
    claim_id = Id()
    order_id = Id()
    state = fields.String(validate=validate.OneOf(("open", "closed")))


class ListMessagesArgs(Paged):
    """The messages of a thread, or of many claims or orders at once; `author` keeps one side's (S0-09)."""

    thread_id = Id()
    claim_ids = fields.List(Id(), validate=validate.Length(min=1, max=BULK))
    order_ids = fields.List(Id(), validate=validate.Length(min=1, max=BULK))
    author = fields.String(validate=validate.OneOf(AUTHORS))

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if sum(name in data for name in ("thread_id", "claim_ids", "order_ids")) != 1:
            raise ValidationError("Name the messages by exactly one of thread_id, claim_ids and order_ids.")


MESSAGE_POST = Operation("message.post", PostArgs(), may=PARTIES)
MESSAGE_SET_VISIBILITY = Operation("message.set_visibility", SetVisibilityArgs(), may=SELLER | STAFF)
MESSAGE_MARK_HANDLED = Operation("message.mark_handled", OneMessage(), may=HANDLERS)
THREAD_OPEN = Operation("thread.open", OpenThreadArgs(), may=HANDLERS)
THREAD_CLOSE = Operation("thread.close", CloseThreadsArgs(), may=HANDLERS)
THREAD_GET = Operation("thread.get", OneThread(), reads=True, may=PARTIES)
THREAD_LIST = Operation("thread.list", ListThreadsArgs(), reads=True, may=PARTIES)
THREAD_MESSAGES = Operation("thread.messages", ListMessagesArgs(), reads=True, may=PARTIES)
