"""The public language of the messaging service. Private text leaves it only as `private_message.posted`."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.attachments import FILES_PER_MESSAGE
from shared.contracts.fields import Id, Moment, MoneySchema, PositiveMoneySchema, Strict, Text, Whole
from shared.contracts.registry import PRIVATE, Narrow, Operation, announce
from shared.contracts.roles import HANDLERS, PARTIES, SELLER, SELLERS
from shared.kernel.principal import STAFF

MESSAGE_LENGTH = 10_000  # characters: a long letter; what is longer is a document
SIGNATURE_LENGTH = 1_000
BULK = 500  # ids per call (model 7)

VISIBILITIES = ("public", "private")
AUTHORS = (
    "customer",
    "seller",
    "supplier",
    "account_observer",
    "mail_observer",
    "coordinator",
    "platform_agent",
    "system",
)
ORIGINS = ("claim.opened", "claim.solution_proposed", "thread.opened", "post")
BY_HAND = ("post", "thread.opened")  # the others accompany an event of the claim, which says the same
SCOPES = ("order", "lines")
REDACTION_REASONS = ("abuse", "erasure", "secret")
CHANNELS = ("api", "ui", "email", "sms")

AGREEMENT_REASONS: dict[str, dict[str, str]] = {
    "not_downloaded": {"en": "The product was not downloaded", "fr": "Le produit n'a pas été téléchargé"},
    "malfunction": {"en": "Technical malfunction", "fr": "Dysfonctionnement technique"},
    "misled": {"en": "The product sheet misled", "fr": "La fiche produit était trompeuse"},
    "goodwill": {"en": "Seller's goodwill", "fr": "Geste commercial du vendeur"},
}
"""What a seller may agree to a refund for (S3-12, S3-13, S3-18, S3-20, S3-21), by the codes of the refund reasons."""
AGREEMENT_PROFILES = frozenset({"support"})
"""Profiles in which a refund is agreed to in a message and paid by the platform (5.3, refund_execution)."""


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
    """origin: why it was posted; `post` is a person's own message, the others accompany the event they name.

    text: of a public message; of a private one only on the private exchange. signature: for public mails, apart from
    the text. A private comment is announced here too, under its own id and without its text, so that a claim knows
    whose turn it is.
    """

    message_id = Id(required=True)
    author = fields.Nested(ParticipantSchema, required=True)
    visibility = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    via = fields.String(required=True)
    text = Text(MESSAGE_LENGTH)
    asks = fields.Nested(AskedSchema, allow_none=True)
    origin = fields.String(required=True, validate=validate.OneOf(ORIGINS))
    posted_at = Moment(required=True)
    attachment_ids = fields.List(Id())
    has_refund_agreement = fields.Boolean()
    signature = Text(SIGNATURE_LENGTH, allow_none=True)

    @validates_schema
    def text_of_public_messages(self, data: dict, **_: object) -> None:
        if data["visibility"] == "public" and "text" not in data:
            raise ValidationError("A public message has a text.")


class PrivatelyPosted(Posted):
    text = Text(MESSAGE_LENGTH, required=True)


class DisclosureSchema(ParticipantSchema):
    """One who received a message: by a mail (reference: its Message-ID) or by reading it; `person` of that party.

    failed: what the mail server said when that mail came back.
    """

    type = fields.String(required=True)
    person = fields.String(allow_none=True)
    channel = fields.String(required=True)
    reference = fields.String(allow_none=True)
    at = Moment(required=True)
    failed = fields.String()


class VisibilityChanged(OnThread):
    """text, signature: only when it has become public; already_disclosed_to: who received it before (N3), for staff."""

    message_id = Id(required=True)
    author = fields.Nested(ParticipantSchema, required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    from_ = fields.String(data_key="from", required=True, validate=validate.OneOf(VISIBILITIES))
    to = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    text = Text(MESSAGE_LENGTH)
    signature = Text(SIGNATURE_LENGTH, allow_none=True)
    already_disclosed_to = fields.List(fields.Nested(DisclosureSchema), required=True)


class Edited(OnThread):
    """replaced: nobody outside had received it, so that the old text is gone; else it is kept beside (MSG-05)."""

    message_id = Id(required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    text = Text(MESSAGE_LENGTH, required=True)
    replaced = fields.Boolean(required=True)
    edited_at = Moment(required=True)


class Redacted(OnThread):
    """Its text and files are gone (MSG-08): whoever keeps a copy drops it."""

    message_id = Id(required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    reason = fields.String(required=True, validate=validate.OneOf(REDACTION_REASONS))


class RefundAgreed(OnThread):
    """S3-17: the seller agreed to refund this order. amount: none means all that is left of the scope."""

    message_id = Id(required=True)
    by = fields.Nested(ParticipantSchema, required=True)
    reason_code = fields.String(required=True, validate=validate.OneOf(tuple(AGREEMENT_REASONS)))
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    line_ids = fields.List(Id(), required=True)
    amount = fields.Nested(MoneySchema, allow_none=True)
    agreed_at = Moment(required=True)


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
        "message.edited": Edited(),
        "message.redacted": Redacted(),
        "message.refund_agreed": RefundAgreed(),
    },
    narrow={"message.posted": Narrow("message.posted_by_hand", "origin", BY_HAND)},
)
announce(
    "messaging",
    {
        "private_message.posted": PrivatelyPosted(),
        "private_message.edited": Edited(),
        "private_message.redacted": Redacted(),
    },
    audience=PRIVATE,
    exchange="messaging.private",
)


class OneThread(Strict):
    """A thread, by its own id or by its claim's."""

    thread_id = Id()
    claim_id = Id()

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if ("thread_id" in data) == ("claim_id" in data):
            raise ValidationError("Name the thread either by thread_id or by claim_id.")


AUTOMATIC = "automatic"  # via: a machine wrote it; nobody has answered yet (S3-21)


class RefundAgreement(Strict):
    """S3-17. lines: of the order, with the scope `lines`. amount: at most what they cost; none: all of it."""

    reason_code = Id(required=True)
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    line_ids = fields.List(Id(), load_default=list, validate=validate.Length(max=500))
    amount = fields.Nested(PositiveMoneySchema)

    @validates_schema
    def names_its_lines(self, data: dict, **_: object) -> None:
        if (data["scope"] == "lines") != bool(data["line_ids"]):
            raise ValidationError("Name line_ids with the scope `lines`, and only then.", "line_ids")


class Confirmed(Strict):
    """confirm: the caller has seen that a public text quotes a private comment, and means it (QUOTES_PRIVATE)."""

    confirm = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class PostArgs(OneThread, Confirmed):
    """Without `visibility` the server decides (S1-31): see `compose_defaults` of the thread.

    automatic: written by a machine, an auto-responder or a bot; it is shown, and counts as nobody's answer.
    """

    text = Text(MESSAGE_LENGTH, required=True)
    visibility = fields.String(validate=validate.OneOf(VISIBILITIES))
    asks = fields.Nested(AskedSchema)
    automatic = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    attachment_ids = fields.List(Id(), load_default=list, validate=validate.Length(max=FILES_PER_MESSAGE))
    refund_agreement = fields.Nested(RefundAgreement)


class SetVisibilityArgs(Strict):
    """confirm: must be true to make a private comment public (MSG-04)."""

    message_id = Id(required=True)
    visibility = fields.String(required=True, validate=validate.OneOf(VISIBILITIES))
    confirm = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class OneMessage(Strict):
    message_id = Id(required=True)


class EditArgs(OneMessage, Confirmed):
    text = Text(MESSAGE_LENGTH, required=True)


class RedactArgs(OneMessage):
    reason = fields.String(required=True, validate=validate.OneOf(REDACTION_REASONS))


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
    """subject: `offer` for questions asked before anything is bought; they are claims, too."""

    claim_id = Id()
    order_id = Id()
    offer_id = Id()
    subject = fields.String(validate=validate.OneOf(("claim", "order", "offer")))
    state = fields.String(validate=validate.OneOf(("open", "closed")))


class ListMessagesArgs(Strict):
    """The messages of a thread, or of many claims or orders at once; `author` keeps one side's (S0-09)."""

    thread_id = Id()
    claim_ids = fields.List(Id(), validate=validate.Length(min=1, max=BULK))
    order_ids = fields.List(Id(), validate=validate.Length(min=1, max=BULK))
    author = fields.String(validate=validate.OneOf(AUTHORS))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if sum(name in data for name in ("thread_id", "claim_ids", "order_ids")) != 1:
            raise ValidationError("Name the messages by exactly one of thread_id, claim_ids and order_ids.")


MESSAGE_POST = Operation("message.post", PostArgs(), may=PARTIES)
MESSAGE_SET_VISIBILITY = Operation("message.set_visibility", SetVisibilityArgs(), may=SELLER | STAFF)
MESSAGE_MARK_HANDLED = Operation("message.mark_handled", OneMessage(), may=HANDLERS)
# on a message of the seller; everybody takes back and edits his own
MESSAGE_UNDO = Operation("message.undo", OneMessage(), may=SELLER)
MESSAGE_EDIT = Operation("message.edit", EditArgs(), may=SELLERS)
MESSAGE_REDACT = Operation("message.redact", RedactArgs(), may=STAFF)
DISCLOSURE_LIST = Operation("disclosure.list", OneMessage(), reads=True, may=HANDLERS)
THREAD_OPEN = Operation("thread.open", OpenThreadArgs(), may=HANDLERS)
THREAD_CLOSE = Operation("thread.close", CloseThreadsArgs(), may=HANDLERS)
THREAD_GET = Operation("thread.get", OneThread(), reads=True, may=PARTIES)
THREAD_LIST = Operation("thread.list", ListThreadsArgs(), reads=True, may=PARTIES)
THREAD_MESSAGES = Operation("thread.messages", ListMessagesArgs(), reads=True, may=PARTIES)
