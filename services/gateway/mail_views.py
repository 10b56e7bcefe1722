"""What the API answers about masked mail."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Party, Versioned, View
from shared.contracts.fields import Id, Moment, Whole


class Alias(View):
    """An address of the caller's own, for 28 days: mail from him to it reaches the other side, without his address."""

    alias_id = Id(required=True)
    address = fields.String(required=True)
    expires_at = Moment(required=True)
    thread_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    allowed_actions = fields.List(fields.String(), required=True)


class IssuedAlias(View):
    """result: ISSUED, DISCUSSION_CLOSED, or the code of the refusal; alias: null without an address."""

    thread_id = Id(required=True)
    result = fields.String(required=True)
    alias = fields.Nested(Alias, required=True, allow_none=True)


class IssuedAliases(View):
    results = fields.List(fields.Nested(IssuedAlias), required=True)


class RevokedAlias(View):
    alias_id = Id(required=True)
    state = fields.String(required=True)
    allowed_actions = fields.List(fields.String(), required=True)


class Senders(View):
    """Where a party writes from, besides the address of its contact."""

    party = fields.String(required=True)
    ref = Id(required=True)
    addresses = fields.List(fields.String(), required=True)
    domains = fields.List(fields.String(), required=True)
    version = Whole(required=True)
    allowed_actions = fields.List(fields.String(), required=True)


class InboundMail(Versioned):
    """state: posted, quarantined, dismissed or ignored; reason: why it is not a message. text is kept for 30 days."""

    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    trust = fields.String(required=True)
    alias_id = Id(required=True, allow_none=True)
    thread_id = Id(required=True, allow_none=True)
    order_id = Id(required=True, allow_none=True)
    holder = fields.Nested(Party, required=True, allow_none=True)
    sender = fields.String(required=True)
    subject = fields.String(required=True)
    text = fields.String(required=True)
    attachments = fields.List(fields.Dict(), required=True)
    message_id = Id(required=True, allow_none=True)
    received_at = Moment(required=True)
