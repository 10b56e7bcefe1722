"""Stripe's checks of parameters, with Stripe's sentences."""

import re

from services.simulator.currencies import stripe_display, stripe_exponent
from services.simulator.records import Payment
from services.simulator.stripe_shapes import StripeError, invalid

_REFUND_PARAMS = {"amount", "charge", "currency", "customer", "expand", "instructions_email", "metadata", "origin",
                  "payment_intent", "reason", "refund_application_fee", "reverse_transfer"}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_MAX_AMOUNT = 99_999_999  # Stripe takes at most eight digits
# Codes that Stripe answers as a declined card (402); any other refusal is an invalid request (400).
_CARD_CODES = {"card_declined", "expired_card", "insufficient_funds", "processing_error", "authentication_required"}
_SENTENCES = {
    "card_declined": "Your card was declined.",
    "charge_already_refunded": "Charge has already been refunded.",
    "charge_disputed": "This charge has been charged back. You cannot issue a refund.",
    "insufficient_funds": "Insufficient funds in your Stripe balance to refund this amount.",
}


def known_only(form: dict) -> None:
    """Refuse a parameter that refunds do not have."""
    for name in form:
        if name not in _REFUND_PARAMS:
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def whole_number(form: dict, name: str, least: int, most: int) -> int | None:
    """An integer parameter within limits, or None when it is absent."""
    text = form.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise invalid(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    number = int(text)
    if number < least:
        code = "parameter_invalid_integer" if name == "amount" else None
        raise invalid(f"This value must be greater than or equal to {least}.", code=code, param=name)
    if number > most:
        raise invalid(f"This value must be less than or equal to {most}.", param=name)
    return number


def amount_of(form: dict, currency: str) -> int | None:
    """The amount in minor units; three-decimal currencies must end in 0."""
    amount = whole_number(form, "amount", 1, _MAX_AMOUNT)
    if amount is not None and stripe_exponent(currency) == 3 and amount % 10:
        raise invalid("Invalid amount: the last digit must be 0 for three-decimal currencies.", param="amount")
    return amount


def reason_of(form: dict) -> str | None:
    """One of the three reasons that Stripe knows."""
    reason = form.get("reason")
    if reason is not None and reason not in _REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(_REASONS[:2])}, or {_REASONS[2]}", param="reason")
    return reason


def metadata_of(form: dict, before: dict | None = None) -> dict:
    """Metadata within Stripe's limits (50 keys of 40 characters, values of 500); an empty value unsets a key."""
    given = form.get("metadata") or {}
    if not isinstance(given, dict) or any(not isinstance(value, str) for value in given.values()):
        raise invalid("Invalid object", param="metadata")
    for name, value in given.items():
        if len(name) > 40 or len(value) > 500:
            raise invalid("Metadata keys have at most 40 and values at most 500 characters.", param="metadata")
    merged = {name: value for name, value in {**(before or {}), **given}.items() if value}
    if len(merged) > 50:
        raise invalid("Metadata can have at most 50 keys.", param="metadata")
    return merged


def already_refunded(payment: Payment) -> StripeError:
    """Nothing is left."""
    return invalid(f"Charge {payment.charge} has already been refunded.", code="charge_already_refunded", kept=True)


def too_much(payment: Payment, amount: int) -> StripeError:
    """More than is left. Stripe sends no code here, only the sentence and the parameter."""
    asked = stripe_display(amount, payment.currency)
    if payment.refunded == 0:
        limit = f"charge amount ({stripe_display(payment.captured, payment.currency)})"
    else:
        limit = f"unrefunded amount on charge ({stripe_display(payment.left, payment.currency)})"
    return invalid(f"Refund amount ({asked}) is greater than {limit}", param="amount", kept=True)


def refusal(code: str) -> StripeError:
    """The definite refusal that a switch asked for."""
    if code == "rate_limit":
        return StripeError(429, "invalid_request_error", "Too many requests.", code="rate_limit")
    sentence = _SENTENCES.get(code, f"The refund was refused: {code}.")
    if code in _CARD_CODES:
        return StripeError(402, "card_error", sentence, code=code, decline_code="generic_decline", kept=True)
    return invalid(sentence, code=code, kept=True)
