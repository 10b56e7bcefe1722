"""What the API answers about many orders at once, marketplaces and subscriptions."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.views import Labels, Versioned, View
from shared.contracts.fields import Id, Moment, Whole


class OrderResult(View):
    """result: PLACED or DONE, or the code of the refusal; fields: what is wrong, by its path in the entry."""

    result = fields.String(required=True)
    order_id = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    message = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields")


class OrderResults(View):
    """One result per entry, in the order given."""

    results = fields.List(fields.Nested(OrderResult), required=True)


class MarketplaceState(View):
    code = Id(required=True)
    label = fields.Nested(Labels, required=True)


class Marketplace(Versioned):
    """version 0: never configured, what is shipped applies."""

    marketplace = Id(required=True)
    public_states = fields.List(fields.Nested(MarketplaceState), required=True)
    internal_states = fields.List(fields.Nested(MarketplaceState), required=True)
    stock_managed = fields.Boolean(required=True)
    parcel_number_required = fields.Boolean(required=True)
    complete_after_days = Whole(required=True, allow_none=True)
    tax_codes = fields.List(fields.String(), required=True, allow_none=True)


class Entitlement(View):
    """A subscription: support for a product on a normalised URL."""

    id = Id(required=True)
    version = Whole(required=True)
    customer_ref = Id(required=True)
    product_id = Id(required=True)
    url = fields.String(required=True)
    state = fields.String(required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)


class Reminders(View):
    wanted = fields.Boolean(required=True)
