"""Why money is not given back: each refusal's docstring is the sentence people read, `code` what programs read."""

from __future__ import annotations

from shared.kernel.errors import Refusal


class AmountExceedsRefundable(Refusal):
    """Only {available} (minor units) can still be refunded here."""

    code = "AMOUNT_EXCEEDS_REFUNDABLE"
    rule = "M9"


class LineAlreadyShipped(Refusal):
    """These units of line {line_id} are shipped: refund them after shipment."""

    code = "LINE_ALREADY_SHIPPED"
    rule = "E1"


class LineNotShipped(Refusal):
    """Only {shipped} units of line {line_id} are shipped: refund the others before shipment."""

    code = "LINE_NOT_SHIPPED"
    rule = "E1"


class UnitsAlreadyRefunded(Refusal):
    """Only {left} units of line {line_id} are not refunded yet."""

    code = "UNITS_ALREADY_REFUNDED"
    rule = "M5"


class ZeroRefund(Refusal):
    """There is nothing to refund: the amount would be zero."""

    code = "ZERO_REFUND"
    status = 422
    rule = "M15"


class QuoteExpired(Refusal):
    """This quote was valid until {until}: ask for a new one."""

    code = "QUOTE_EXPIRED"
    rule = "REF-01"


class QuoteDiffers(Refusal):
    """This refund would not be what was quoted: the request or the order changed since. Ask for a new quote."""

    code = "QUOTE_DIFFERS"
    rule = "REF-01"


class OrderNotSynced(Refusal):
    """This order has not arrived here yet: repeat the call in a second."""

    code = "ORDER_NOT_SYNCED"
    rule = "E8"
    retry_after = 1


class OrderNotPaid(Refusal):
    """Nothing is captured on this order yet, so there is nothing to give back."""

    code = "ORDER_NOT_PAID"
    rule = "E2"


class LineNotPaid(Refusal):
    """Line {line_id} was added later and is not paid for yet, so there is nothing of it to give back."""

    code = "LINE_NOT_PAID"
    rule = "ORD-13"


class NotTheHandler(Refusal):
    """Refunds of this claim are decided by the {handler}."""

    code = "NOT_THE_HANDLER"
    status = 403
    rule = "E5"


class UnknownPart(Refusal):
    """The order has no {kind} {id}."""

    code = "UNKNOWN_PART"
    status = 422
    rule = "E1"


class UnknownReason(Refusal):
    """The reason {reason_code} is not in the catalogue."""

    code = "UNKNOWN_REASON"
    status = 422
    rule = "REF-02"


class WrongCurrency(Refusal):
    """The order is paid in {expected}: a refund has the currency of its payment."""

    code = "WRONG_CURRENCY"
    status = 422
    rule = "M2"


class ProfileWithoutRefunds(Refusal):
    """Orders of the profile {profile} are not refunded here."""

    code = "PROFILE_WITHOUT_REFUNDS"
    rule = "REF-02"


class InstrumentNotAllowed(Refusal):
    """Your role may not refund by {instrument}: use the original payment, or ask the platform."""

    code = "INSTRUMENT_NOT_ALLOWED"
    status = 403
    rule = "M12"


class PaymentDisputed(Refusal):
    """A bank took back {taken} (minor units) of what this holds: cancel it and ask for the rest, or win the dispute."""

    code = "PAYMENT_DISPUTED"
    rule = "E7"


class AlreadyRetried(Refusal):
    """This refund was tried again as {refund_id}: follow that one, and retry it should it fail too."""

    code = "ALREADY_RETRIED"
    rule = "REF-13"


class FourEyesRequired(Refusal):
    """The one who asked for a refund does not approve it: a second person must."""

    code = "FOUR_EYES_REQUIRED"
    status = 403
    rule = "REF-05"


class ReferenceRequired(Refusal):
    """A refund paid outside a provider needs the reference of its payment."""

    code = "REFERENCE_REQUIRED"
    status = 422
    rule = "REF-08"


class ClaimNotSynced(Refusal):
    """This claim has not arrived here yet: repeat the call in a second."""

    code = "CLAIM_NOT_SYNCED"
    rule = "E8"
    retry_after = 1


class WebhookRefused(Refusal):
    """This webhook is not from {provider}: its signature, its age or its body is wrong."""

    code = "WEBHOOK_REFUSED"
    status = 400
    rule = "T33"


class RefundWindowClosed(Refusal):
    """Bought {bought}: refunds were possible until {until}, and nobody may make an exception."""

    code = "REFUND_WINDOW_CLOSED"
    rule = "E3"


class ReturnHasNoUnits(Refusal):
    """Only {left} units of line {line_id} came back fit for a refund with this return."""

    code = "RETURN_HAS_NO_UNITS"
    rule = "E6"


class ReturnRequired(Refusal):
    """A refund of a return names it with return_id, once the return is closed."""

    code = "RETURN_REQUIRED"
    status = 422
    rule = "E6"


class DeductionExceedsRefund(Refusal):
    """Deductions of {deductions} would leave less than nothing of {amount}."""

    code = "DEDUCTION_EXCEEDS_REFUND"
    status = 422
    rule = "M13"


class FundingDiffers(Refusal):
    """The parts of funding add up to {given}, the refund is {amount}: make them equal."""

    code = "FUNDING_DIFFERS"
    status = 422
    rule = "M21"


class FundingNotAllowed(Refusal):
    """Your role may let a refund be paid by your own company only."""

    code = "FUNDING_NOT_ALLOWED"
    status = 403
    rule = "M21"


class CouponNotUsable(Refusal):
    """This coupon is {state}: there is nothing left on it."""

    code = "COUPON_NOT_USABLE"
    rule = "S4-09"


class CouponExpired(Refusal):
    """This coupon was valid until {expires_at}."""

    code = "COUPON_EXPIRED"
    rule = "S4-09"


class CouponInsufficient(Refusal):
    """Only {remaining} (minor units) remain on this coupon."""

    code = "COUPON_INSUFFICIENT"
    rule = "S4-09"


class StatementRefused(Refusal):
    """Line {line} of the statement cannot be read: {reason}."""

    code = "STATEMENT_REFUSED"
    status = 422
    rule = "N10"
