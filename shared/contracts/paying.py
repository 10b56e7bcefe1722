"""The public language of supplementary payments: a single-use link for an amount due (PAY-01 to PAY-06)."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Moment, MoneySchema, PositiveMoneySchema, Strict, Text, Whole
from shared.contracts.registry import PRIVATE, Operation, announce
from shared.contracts.roles import ANYTHING, EVERYBODY, HANDLERS, OWNERS

PROVIDERS = ("stripe", "paypal")
TOKEN_HASH = validate.Regexp(r"^[0-9a-f]{64}$")


class IssueRequest(Strict):
    """PAY-01. amount: all that is due without it. purpose: what the customer reads it is for."""

    order_id = Id(required=True)
    amount = fields.Nested(PositiveMoneySchema)
    purpose = Text(most=200)
    days = Whole(least=1, most=30, load_default=7)


class OfRequest(Strict):
    request_id = Id(required=True)


class ListRequests(Strict):
    """Newest first."""

    order_id = Id(required=True)
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


class OfLink(Strict):
    """token_hash: SHA-256 of the link's token. Who knows the token may do what the link allows, and nothing else."""

    token_hash = fields.String(required=True, validate=TOKEN_HASH)


class StartPayment(OfLink):
    """PAY-03. return_to: where the provider sends the payer back to, sealed."""

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    return_to = fields.String(required=True, validate=validate.Length(max=1000))


class ProviderEvent(Strict):
    """A webhook as it came: its raw body, and the headers that sign it."""

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    body = fields.String(required=True, validate=validate.Length(max=1024 * 1024))


ISSUE = Operation("payment_request.issue", IssueRequest(), money=True, may=HANDLERS)
REVOKE = Operation("payment_request.revoke", OfRequest(), may=HANDLERS)
GET = Operation("payment_request.get", OfRequest(), reads=True, may=OWNERS)
LIST = Operation("payment_request.list", ListRequests(), reads=True, may=OWNERS)
LOOK = Operation("payment_request.look", OfLink(), reads=True, may=EVERYBODY, on=ANYTHING)  # who has the link
START = Operation("payment_request.start", StartPayment(), may=EVERYBODY, on=ANYTHING)
RESTART = Operation("payment_request.restart", OfLink(), may=EVERYBODY, on=ANYTHING)
PROVIDER_EVENT = Operation("payment_request.provider_event", ProviderEvent(), may=EVERYBODY, on=ANYTHING)


class RequestFact(Strict):
    """What every event of a payment request says. The link itself travels on the private exchange alone."""

    request_id = Id(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    expires_at = Moment(required=True)


class RequestPaid(RequestFact):
    provider = fields.String(required=True)
    payment_id = Id(required=True)


class AttemptFailed(RequestFact):
    """The link works again. code: the provider's, or why the attempt was given up."""

    provider = fields.String(required=True)
    attempt = Whole(required=True)
    code = fields.String(required=True)


class LinkIssued(Strict):
    """sealed: the token, for whoever writes to the customer; not even here does it stand in the clear."""

    request_id = Id(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    purpose = fields.String(required=True, allow_none=True)
    expires_at = Moment(required=True)
    sealed = fields.String(required=True)


announce(
    "order",
    {
        "payment_request.issued": RequestFact(),
        "payment_request.paid": RequestPaid(),
        "payment_request.expired": RequestFact(),
        "payment_request.revoked": RequestFact(),
        "payment_request.attempt_failed": AttemptFailed(),
    },
)
announce("order", {"payment_link.issued": LinkIssued()}, audience=PRIVATE, exchange="order.private")
