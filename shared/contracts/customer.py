"""What may be asked about customers. The order service knows them; nobody else keeps a name or an address."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict
from shared.contracts.registry import Operation
from shared.contracts.roles import HANDLERS
from shared.kernel.principal import STAFF


class Replaces(Strict):
    """What a replacement stands for (S2-12): it costs nothing, and its claim waits for it."""

    claim_id = Id(required=True)
    order_id = Id(required=True)


class CustomersArgs(Strict):
    customer_refs = fields.List(Id(), required=True, validate=validate.Length(min=1, max=200))


class AddressArgs(Strict):
    customer_ref = Id(required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))


LIST = Operation("customer.list", CustomersArgs(), reads=True, may=HANDLERS)
GET = Operation("customer.get", AddressArgs(), reads=True, may=STAFF)
