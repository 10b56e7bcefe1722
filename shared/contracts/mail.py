"""The public language of masked mail: aliases, and mail that came from outside. Spoken by the messaging service.

Addresses travel on `messaging.private` only; what is public about a mail names it by ids.
"""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, PRIVATE, Operation, announce
from shared.contracts.roles import HANDLERS, NEW, OWNERS, PARTIES, REQUESTERS, SYSTEM
from shared.kernel.principal import STAFF

BULK = 500  # ids per call (model 7)
HOLDERS = ("customer", "seller", "supplier", "account_observer", "mail_observer", "coordinator", "platform_agent")
SENDERS = ("customer", "seller", "supplier", "account_observer", "mail_observer", "coordinator", "platform")
STATES = ("posted", "quarantined", "dismissed", "ignored")
TRUST = ("high", "low")
MARKERS = {"fr": "-- Répondez au-dessus de cette ligne --", "en": "-- Reply above this line --"}
"""First line of every mail that can be answered: what a reply holds below it is ours already."""
BOUNCES = "bounces"
"""The mailbox of the relay domain to which other mail servers report what they could not deliver."""
LONGEST_MAIL = 25 * 1024 * 1024  # bytes, attachments and encoding included


class OfAlias(Strict):
    """An alias belongs to one holder, on one thread or one order; it answers for nobody else (C44)."""

    alias_id = Id(required=True)
    thread_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    kind = fields.String(required=True, validate=validate.OneOf(HOLDERS))
    ref = Id(required=True)
    expires_at = Moment(required=True)


class Issued(OfAlias):
    """Stream `alias` of the thread's or order's id. address: for the mails that the holder may answer."""

    address = fields.String(required=True)


class Revoked(OfAlias):
    """redirect_to: the thread that takes its mails until it expires, when a claim was merged into another."""

    reason = fields.String(required=True)
    redirect_to = Id(required=True, allow_none=True)


class LateMail(OfAlias):
    """The holder wrote to an alias that had expired; the link with this token lets the mail in after all (N8)."""

    mail_id = Id(required=True)
    claim_id = Id(required=True, allow_none=True)
    token = fields.String(required=True)


announce(
    "messaging",
    {"alias.issued": Issued(), "alias.expired": OfAlias(), "alias.revoked": Revoked(), "alias.late_mail": LateMail()},
    audience=PRIVATE,
    exchange="messaging.private",
)


class MailFact(Strict):
    """What became of a mail from outside. reason: why it was not posted."""

    mail_id = Id(required=True)
    alias_id = Id(required=True, allow_none=True)
    thread_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    trust = fields.String(required=True, validate=validate.OneOf(TRUST))
    reason = fields.String(required=True, allow_none=True)
    message_id = Id(required=True, allow_none=True)


class MailWaits(MailFact):
    """The staff should look at a mail in the quarantine. holder_kind: whose address it came to; at most one a day and
    thread, however many wait.
    """

    claim_id = Id(required=True, allow_none=True)
    holder_kind = fields.String(required=True, allow_none=True)


announce(
    "messaging",
    {
        "mail.received": MailFact(),
        "mail.quarantined": MailFact(),
        "mail.dismissed": MailFact(),
        "mail.loop_stopped": MailFact(),
        "mail.waits": MailWaits(),
    },
    audience=INTERNAL,
)


class OneOrder(Strict):
    order_id = Id(required=True)


class ManyOrders(Strict):
    order_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))


class ManyThreads(Strict):
    thread_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))


class RevokeArgs(Strict):
    """ALI-04: an address that is abused stops at once."""

    alias_id = Id(required=True)
    reason = Text(200, load_default="revoked")


class CheckArgs(Strict):
    """For the mail server, before it takes a mail: what are these addresses worth, and whose are these Message-IDs?"""

    addresses = fields.List(
        fields.String(validate=validate.Length(max=320)), required=True, validate=validate.Length(max=100)
    )
    references = fields.List(
        fields.String(validate=validate.Length(max=998)), load_default=list, validate=validate.Length(max=50)
    )


class RegisterSendersArgs(Strict):
    """The addresses and whole domains that a party's own mail tool sends from (T25). Replaces what was registered."""

    party = fields.String(required=True, validate=validate.OneOf(SENDERS))
    ref = Id(required=True)
    addresses = fields.List(
        fields.Email(validate=validate.Length(max=254)), load_default=list, validate=validate.Length(max=50)
    )
    domains = fields.List(
        fields.String(
            validate=validate.Regexp(
                r"^(?=.{4,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", error="Not a domain: shop.example"
            )
        ),
        load_default=list,
        validate=validate.Length(max=20),
    )


class AttachedFile(Strict):
    """A file that came with a mail."""

    name = fields.String(required=True, validate=validate.Length(max=255))
    media_type = fields.String(required=True, validate=validate.Length(max=127))
    size = Whole(required=True)


class ReceiveArgs(Strict):
    """One mail for one recipient, as the mail server read it.

    automatic: why a machine wrote it, if one did. authentic: DKIM or SPF passed for the domain of the sender's address.
    text: what the sender wrote, quotes taken out. raw: where its source is kept for 30 days.
    """

    recipient = fields.String(required=True, validate=validate.Length(max=320))
    sender = fields.String(required=True, validate=validate.Length(max=320))
    message_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=998))
    content_hash = fields.String(required=True, validate=validate.Length(min=32, max=64))
    references = fields.List(
        fields.String(validate=validate.Length(max=998)), load_default=list, validate=validate.Length(max=50)
    )
    subject = fields.String(load_default="", validate=validate.Length(max=998))
    automatic = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=60))
    authentic = fields.Boolean(required=True)
    size = Whole(required=True, most=LONGEST_MAIL)
    text = fields.String(load_default="")
    attachments = fields.List(fields.Nested(AttachedFile), load_default=list, validate=validate.Length(max=100))
    raw = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class ListMailsArgs(Strict):
    """Newest first; staff only."""

    state = fields.String(validate=validate.OneOf(STATES))
    thread_id = Id()
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


class OneMail(Strict):
    mail_id = Id(required=True)


class RenewArgs(Strict):
    """The token of the link in a notice."""

    token = fields.String(
        required=True, validate=validate.Regexp(r"^mail_[0-9a-f]{24}\.[A-Za-z0-9_-]{24}$", error="Not a token.")
    )


ALIAS_ISSUE = Operation("alias.issue", OneOrder(), may=OWNERS)
ALIAS_OFFER = Operation("alias.offer", ManyOrders(), may=OWNERS)
ALIAS_ISSUE_MANY = Operation("alias.issue_many", ManyThreads(), may=PARTIES)
ALIAS_REVOKE = Operation("alias.revoke", RevokeArgs(), may=REQUESTERS)
ALIAS_CHECK = Operation("alias.check", CheckArgs(), reads=True, may=SYSTEM)
ALIAS_RENEW = Operation("alias.renew", RenewArgs(), may=SYSTEM)
SENDERS_REGISTER = Operation("sender.register", RegisterSendersArgs(), may=HANDLERS, on=NEW)
MAIL_RECEIVE = Operation("mail.receive", ReceiveArgs(), may=SYSTEM)
MAIL_LIST = Operation("mail.list", ListMailsArgs(), reads=True, may=STAFF)
MAIL_RELEASE = Operation("mail.release", OneMail(), may=STAFF)
MAIL_DISMISS = Operation("mail.dismiss", OneMail(), may=STAFF)
