"""The public language of the claim service's desk: bulk changes, counts, the module's switches, reasons, offers."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.claim import BULK, CATEGORIES, ClaimFact, OneClaim
from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, PRIVATE, Operation, announce
from shared.contracts.roles import ANYTHING, CUSTOMER, EVERYBODY, HANDLERS, NEW, PARTIES, REQUESTERS, SENDERS
from shared.contracts.withdrawal import EXCLUSIONS
from shared.kernel.principal import ROLES, STAFF

MODES = ("off", "enabled", "auto_include")
BULK_ACTIONS = (
    "add_observer",
    "assign",
    "close",
    "escalate",
    "remove_observer",
    "reopen",
    "resolve",
    "set_awaiting",
    "set_state",
    "start",
)


# events


class Rated(ClaimFact):
    """B24: what the requester thinks of how it was handled; edited: it replaces his first answer."""

    score = Whole(least=1, most=5, required=True)
    comment = Text(1000)
    edited = fields.Boolean(required=True)


class ObserverInvited(Strict):
    """How to reach somebody who follows a claim by mail only. Private exchange; nothing else carries the address."""

    claim_id = Id(required=True)
    observer_id = Id(required=True)
    scope = fields.String(required=True, validate=validate.OneOf(("all", "public")))
    name = fields.String(required=True)
    email = fields.Email(required=True)
    locale = fields.String(required=True)


class ModuleConfigured(Strict):
    """S1-02: may customers of this marketplace enter requests, and does the main supplier join them by itself?"""

    marketplace = Id(required=True)
    profile = Id(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    reasons_off = fields.List(Id(), required=True)
    reasons_added = fields.List(Id(), required=True)


class OfferRecorded(Strict):
    offer_id = Id(required=True)
    seller_id = Id(required=True)
    product_id = Id(required=True)
    published = fields.Boolean(required=True)


announce("claim", {"claim.rated": Rated()})
announce("claim", {"observer.invited": ObserverInvited()}, audience=PRIVATE, exchange="claim.private")
announce(
    "claim",
    {"claim_module.configured": ModuleConfigured(), "offer.recorded": OfferRecorded()},
    audience=INTERNAL,
)


# commands


class RateArgs(OneClaim):
    score = Whole(least=1, most=5, required=True)
    comment = Text(1000)


class Labels(Strict):
    fr = Text(80, required=True)
    en = Text(80, required=True)


class AddedReason(Strict):
    """A reason of this marketplace. phases, roles: where it is offered, everywhere when left out (B9)."""

    code = Id(required=True)
    labels = fields.Nested(Labels, required=True)
    handler = fields.String(required=True, validate=validate.OneOf(("seller", "coordinators", "platform")))
    phases = fields.List(fields.String(validate=validate.Length(max=24)), load_default=list)
    roles = fields.List(fields.String(validate=validate.OneOf(ROLES)), load_default=list)


class ModuleArgs(Strict):
    marketplace = Id(required=True)
    profile = Id(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    reasons_off = fields.List(Id(), load_default=list, validate=validate.Length(max=100))
    reasons_added = fields.List(fields.Nested(AddedReason), load_default=list, validate=validate.Length(max=100))


class OneModule(Strict):
    marketplace = Id(required=True)
    profile = Id(required=True)


class OfferArgs(Strict):
    """What a claim needs to know of an offer before anything is bought. profile: how questions about it are handled."""

    offer_id = Id(required=True)
    seller_id = Id(required=True)
    product_id = Id(required=True)
    marketplace = Id(required=True)
    title = Text(200, required=True)
    supplier_id = Id(allow_none=True, load_default=None)
    profile = Id(load_default="discussion")
    published = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    no_withdrawal = fields.String(allow_none=True, load_default=None, validate=validate.OneOf(EXCLUSIONS))


class OneOffer(Strict):
    offer_id = Id(required=True)


class BulkArgs(Strict):
    """args: of the action, the same for every claim. Each claim is answered by itself (I17, B12)."""

    claim_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=BULK))
    action = fields.String(required=True, validate=validate.OneOf(BULK_ACTIONS))
    args = fields.Dict(keys=fields.String(), load_default=dict)


class ReasonsArgs(Strict):
    """The reasons that the caller may give now: for an order, or for a marketplace's site."""

    order_id = Id()
    marketplace = Id()
    profile = Id()


class CountsArgs(Strict):
    """How many claims that are not over there are, per state; `me`: those that wait for the caller."""

    category = fields.String(validate=validate.OneOf(CATEGORIES))
    seller_id = Id()


class OversightArgs(Strict):
    """S2-17: problems of every seller, the one that nobody touched for longest first."""

    seller_id = Id()
    handler = fields.String(validate=validate.OneOf(("seller", "coordinators", "platform")))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


RATE = Operation("claim.rate", RateArgs(), may=CUSTOMER)
BULK_CHANGE = Operation("claim.bulk", BulkArgs(), may=HANDLERS)
CONFIGURE = Operation("claim_module.configure", ModuleArgs(), may=STAFF, on=NEW)
RECORD_OFFER = Operation("offer.record", OfferArgs(), may=SENDERS, on=NEW)
GET_MODULE = Operation("claim_module.get", OneModule(), reads=True, may=STAFF)
GET_OFFER = Operation("offer.get", OneOffer(), reads=True, may=EVERYBODY, on=ANYTHING)
REASONS = Operation("claim_reason.list", ReasonsArgs(), reads=True, may=REQUESTERS)
COUNTS = Operation("claim_count.list", CountsArgs(), reads=True, may=PARTIES)
OVERSIGHT = Operation("oversight.list", OversightArgs(), reads=True, may=STAFF)
