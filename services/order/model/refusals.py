"""Why the order service says no: stable codes, one sentence each."""

from __future__ import annotations

from shared.kernel.errors import Refusal


class TooManyUnits(Refusal):
    """Only {left} units of line {line_id} are left for this: the others were shipped, refused or accepted already."""

    code = "TOO_MANY_UNITS"
    status = 422
    rule = "ORD-05"


class LineAlreadyShipped(Refusal):
    """Line {line_id} was shipped already: refund it after shipment instead."""

    code = "LINE_ALREADY_SHIPPED"
    status = 409
    rule = "E1"


class BeingPaid(Refusal):
    """Somebody is paying through this order's link at this moment: cancel in half an hour, or when it was paid."""

    code = "PAYMENT_UNDER_WAY"
    status = 409
    rule = "ORD-09"


class LineNotPaid(Refusal):
    """Line {line_id} was added and is not paid yet: send the payment link, or withdraw the line."""

    code = "LINE_NOT_PAID"
    status = 409
    rule = "ORD-13"


class LineIsPaid(Refusal):
    """Line {line_id} is no longer awaiting its payment: refuse it before shipment, or refund it."""

    code = "LINE_IS_PAID"
    status = 409
    rule = "ORD-13"


class LineExists(Refusal):
    """The order has a line {line_id} already: choose another id, or leave it out."""

    code = "LINE_EXISTS"
    status = 409
    rule = "ORD-13"


class WrongCurrency(Refusal):
    """The order is in {currency}."""

    code = "CURRENCY_MISMATCH"
    status = 422
    rule = "M2"


class OpenClaim(Refusal):
    """The order has an open problem: {claims}. It can be completed and settled when that is solved."""

    code = "OPEN_CLAIM"
    status = 409
    rule = "S2-20"


class ParcelNumberMissing(Refusal):
    """Name the parcel: this marketplace ships nothing without a tracking number."""

    code = "PARCEL_NUMBER_MISSING"
    status = 422
    rule = "ORD-06"


class NoSuchParcel(Refusal):
    """The order has no parcel {parcel_id}: leave the id out to add one."""

    code = "NO_SUCH_PARCEL"
    status = 404
    rule = "ORD-07"


class UnknownState(Refusal):
    """This marketplace has no state {state} that can be set while the order is {phase}."""

    code = "UNKNOWN_STATE"
    status = 422
    rule = "ORD-11"


class BrokenStates(Refusal):
    """These lists of states cannot be used: {faults}"""

    code = "BROKEN_STATES"
    status = 422
    rule = "ORD-11"


class UnknownTaxCode(Refusal):
    """The marketplace {marketplace} has no tax code {tax_code}: use one of {known}, or add it to its tax_codes."""

    code = "UNKNOWN_TAX_CODE"
    status = 422
    rule = "M3"


class OrderExists(Refusal):
    """An order {order_id} or number {number} exists already."""

    code = "ORDER_EXISTS"
    status = 409
    rule = "ORD-01"
