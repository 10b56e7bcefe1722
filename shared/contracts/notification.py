"""The public language of the notification service. Its events name recipients by id, never by address."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, PRIVATE, Operation, announce
from shared.contracts.roles import HANDLERS, NEW, SELLER, SYSTEM
from shared.kernel.principal import STAFF

PARTIES = ("customer", "seller", "supplier", "account_observer", "mail_observer", "coordinator", "platform")
LOCALES = ("fr", "en")
STATES = ("queued", "sent", "failed", "suppressed", "merged", "bounced")


class NotificationFact(Strict):
    """source_event_id: the event that somebody is told of; template_version: which wording was used."""

    notification_id = Id(required=True)
    source_event_id = Id(required=True)
    source_type = fields.String(required=True)
    recipient_kind = fields.String(required=True, validate=validate.OneOf(PARTIES))
    recipient_ref = Id(required=True)
    channel = fields.String(required=True)
    template = fields.String(required=True)
    template_version = Whole(required=True)
    order_id = Id(allow_none=True)
    claim_id = Id(allow_none=True)
    message_id = Id(allow_none=True)


class Sent(NotificationFact):
    """provider_ref: the Message-ID of the mail, or what the transport answered."""

    provider_ref = fields.String(required=True)


class NotSent(NotificationFact):
    error = fields.String(required=True)


class Bounced(NotSent):
    """hard: the address does not exist; else it may work again."""

    hard = fields.Boolean(required=True)


class AddressSuppressed(Strict):
    """Nothing is sent any more to the address that this party has now (NTF-08)."""

    party = fields.String(required=True, validate=validate.OneOf(PARTIES))
    ref = Id(required=True)
    reason = fields.String(required=True)


class DisclosureMade(Strict):
    """A mail with these messages has left: who received what is known to the ledger of their thread (N3)."""

    notification_id = Id(required=True)
    message_ids = fields.List(Id(), required=True)
    recipient_kind = fields.String(required=True)
    recipient_ref = Id(required=True)
    channel = fields.String(required=True)
    provider_ref = fields.String(required=True)


class DisclosureFailed(DisclosureMade):
    """A mail with these messages was refused, or came back: its reader has them not. status: the server's answer."""

    status = fields.String(required=True)


class RecipientRecorded(Strict):
    """For the service that reads mail: who writes from where. It travels on `notification.private`."""

    party = fields.String(required=True, validate=validate.OneOf(PARTIES))
    ref = Id(required=True)
    locale = fields.String(required=True)
    email = fields.String(required=True)


class RosterJoined(Strict):
    """Somebody of the staff can be reached from now on, so work can be given to him."""

    party = fields.String(required=True, validate=validate.OneOf(("coordinator", "platform")))
    ref = Id(required=True)


announce(
    "notification",
    {
        "notification.sent": Sent(),
        "notification.failed": NotSent(),
        "notification.suppressed": NotSent(),
        "notification.bounced": Bounced(),
    },
)
announce(
    "notification",
    {"recipient.recorded": RecipientRecorded(), "recipient.suppressed": AddressSuppressed()},
    audience=PRIVATE,
    exchange="notification.private",
)
announce("notification", {"roster.joined": RosterJoined()}, audience=INTERNAL)
announce(
    "notification",
    {"disclosure.made": DisclosureMade(), "disclosure.failed": DisclosureFailed()},
    audience=INTERNAL,
)


class RecordContactArgs(Strict):
    """How to reach a seller, a supplier or a colleague. Customers' contacts come with their orders."""

    party = fields.String(required=True, validate=validate.OneOf(PARTIES))
    ref = Id(required=True)
    name = Text(120, required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = fields.String(validate=validate.Regexp(r"^\+[1-9]\d{6,14}$", error="Use the form +33612345678."))
    locale = fields.String(load_default="en", validate=validate.OneOf(LOCALES))


class BounceArgs(Strict):
    """What another mail server reports about a mail of ours. status: RFC 3463, `5.1.1`."""

    message_ids = fields.List(
        fields.String(validate=validate.Length(max=998)), required=True, validate=validate.Length(min=1, max=20)
    )
    status = fields.String(required=True, validate=validate.Regexp(r"^[245]\.\d{1,3}\.\d{1,3}$"))


class OneNotification(Strict):
    notification_id = Id(required=True)


class ListArgs(Strict):
    """Newest first."""

    order_id = Id()
    claim_id = Id()
    event_id = Id()
    state = fields.String(validate=validate.OneOf(STATES))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


CONTACT_RECORD = Operation("contact.record", RecordContactArgs(), may=SELLER | STAFF, on=NEW)
NOTIFICATION_BOUNCE = Operation("notification.bounce", BounceArgs(), may=SYSTEM)
NOTIFICATION_RESEND = Operation("notification.resend", OneNotification(), may=HANDLERS)
NOTIFICATION_LIST = Operation("notification.list", ListArgs(), reads=True, may=STAFF)
