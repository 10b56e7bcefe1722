"""What the API answers about conversations: messages, files, templates, requests for access."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.view_parts import Versioned, View
from shared.contracts.fields import Id, Moment, Whole


class Party(View):
    type = fields.String(required=True)
    id = Id(required=True)


class MessageFile(View):
    """state: clean, or why it cannot be had (yet); reason: why it was refused."""

    id = Id(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)
    size = Whole(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class Disclosure(View):
    """One who received a message: by mail (reference: its Message-ID) or by reading it. failed: the mail came back."""

    type = fields.String(required=True)
    id = Id(required=True)
    person = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    at = Moment(required=True)
    failed = fields.String()


class Undelivered(Party):
    """One whom a message did not reach by mail, why, and the notification to send again."""

    status = fields.String(required=True)
    notification_id = Id(required=True)


class Disclosures(View):
    items = fields.List(fields.Nested(Disclosure), required=True)


class Message(Versioned):
    """A private comment is answered to those who may read it, and to nobody else in any form.

    state: posted; held, for its writer alone until undo_until; withdrawn; redacted. revisions: earlier texts that
    somebody received. refund_agreement: the seller's, with its reason. already_disclosed_to: when it was hidden, who
    knows it anyway. undelivered_to: for its author and the staff, whom it did not reach by mail.
    """

    state = fields.String(required=True)
    edited_at = Moment(required=True, allow_none=True)
    revisions = fields.List(fields.Dict(), required=True)
    attachments = fields.List(fields.Nested(MessageFile), required=True)
    refund_agreement = fields.Dict(required=True, allow_none=True)
    undo_until = Moment()
    undelivered_to = fields.List(fields.Nested(Undelivered))
    already_disclosed_to = fields.List(fields.Nested(Disclosure))

    thread_id = Id(required=True)
    claim_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    author = fields.Nested(Party, required=True)
    visibility = fields.String(required=True)
    via = fields.String(required=True)
    text = fields.String(required=True)
    posted_at = Moment(required=True)
    handled = fields.Boolean(required=True)


class Thread(Versioned):
    """compose_defaults: what the server would decide for a message without a visibility. mails_waiting: for the staff,
    how many mails to it wait in the quarantine (`GET /v1/mails?thread_id=…&state=quarantined`).
    """

    state = fields.String(required=True)
    subject = fields.Dict(required=True)
    claim_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    offer_id = Id(required=True, allow_none=True)
    opened_at = Moment(required=True)
    messages = Whole(required=True)
    compose_defaults = fields.Dict(required=True)
    mails_waiting = Whole()


class Template(Versioned):
    name = fields.String(required=True)
    locale = fields.String(required=True)
    scope = fields.String(required=True)
    owner = Id(required=True, allow_none=True)
    body = fields.String(required=True)
    variables = fields.List(fields.String(), required=True)


class FilledTemplate(Template):
    """text: the template filled in, for the composer. missing: variables that nobody knows a value for."""

    text = fields.String(required=True)
    missing = fields.List(fields.String(), required=True)


class Signature(View):
    scope = fields.String(required=True)
    text = fields.String(required=True)
    version = Whole(required=True)


class Signatures(View):
    user = fields.String(required=True, allow_none=True)
    seller = fields.String(required=True, allow_none=True)


class AccessRequest(Versioned):
    """state: requested, granted, declined, expired or revoked. The customer alone decides."""

    thread_id = Id(required=True)
    kind = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    purpose = fields.String(required=True)
    until = Moment(required=True)
    state = fields.String(required=True)
    asked_by = fields.Nested(Party, required=True)


class FileLink(View):
    """Where the bytes go to, or come from, until then."""

    method = fields.String(required=True)
    url = fields.Url(required=True, require_tld=False)
    expires_at = Moment(required=True)


class Attachment(Versioned):
    """state: expected, pending, clean, infected, refused (with reason) or erased. link: to a clean one."""

    thread_id = Id(required=True, allow_none=True)
    message_id = Id(required=True, allow_none=True)
    name = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)
    size = Whole(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    upload = fields.Nested(FileLink)
    link = fields.Nested(FileLink)


class OpenedThread(View):
    id = Id(required=True)
    message = fields.Nested(Message, required=True)
