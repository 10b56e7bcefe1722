"""The public language of coupons and store credit, which the refund service gives out (S4-09, A18)."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from shared.contracts.fields import Id, Moment, MoneySchema, PositiveMoneySchema, Strict, Text, Whole
from shared.contracts.registry import Operation, announce
from shared.contracts.roles import HANDLERS, OWNERS

FORMS = ("coupon", "store_credit")
STATES = ("issued", "partly_used", "used", "expired", "revoked")


class OfCoupon(Strict):
    coupon_id = Id(required=True)


class Redeem(Strict):
    """A coupon by its code or its id, store credit by its id. Without an amount, all that remains of it.

    used_for: the order or receipt that it pays.
    """

    code = fields.String(validate=validate.Regexp(r"^[0-9A-Za-z -]{16,24}$", error="A code has 16 letters and digits."))
    coupon_id = Id()
    amount = fields.Nested(PositiveMoneySchema)
    used_for = Text(most=120, required=True)

    @validates_schema
    def names_one(self, data: dict, **_: object) -> None:
        if ("code" in data) == ("coupon_id" in data):
            raise ValidationError("Name the coupon either by code or by coupon_id.", "code")


class ListCoupons(Strict):
    """Newest change first."""

    order_id = Id()
    customer_ref = Id()
    form = fields.String(validate=validate.OneOf(FORMS))
    state = fields.String(validate=validate.OneOf(STATES))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


REDEEM = Operation("coupon.redeem", Redeem(), money=True, may=HANDLERS)
REVOKE = Operation("coupon.revoke", OfCoupon(), money=True, may=HANDLERS)
GET = Operation("coupon.get", OfCoupon(), reads=True, may=OWNERS)
LIST = Operation("coupon.list", ListCoupons(), reads=True, may=OWNERS)


class CouponFact(Strict):
    """code_hash: SHA-256 of the code in hexadecimal; the code itself is shown to its owner and nowhere else."""

    coupon_id = Id(required=True)
    form = fields.String(required=True, validate=validate.OneOf(FORMS))
    code_hash = fields.String(required=True, allow_none=True)
    order_id = Id(required=True)
    refund_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    value = fields.Nested(MoneySchema, required=True)
    remaining = fields.Nested(MoneySchema, required=True)
    expires_at = Moment(required=True, allow_none=True)


class Redeemed(CouponFact):
    amount = fields.Nested(MoneySchema, required=True)
    used_for = fields.String(required=True)


class Revoked(CouponFact):
    """amount: the unused part, refundable again by another way."""

    amount = fields.Nested(MoneySchema, required=True)


announce(
    "refund",
    {
        "coupon.issued": CouponFact(),
        "coupon.redeemed": Redeemed(),
        "coupon.expired": CouponFact(),
        "coupon.revoked": Revoked(),
    },
)
