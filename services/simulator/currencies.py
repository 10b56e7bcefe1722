"""How many decimals each provider gives a currency; they differ from ISO 4217 and from one another.

Sources: docs.stripe.com/currencies (zero- and three-decimal currencies; UGX and ISK are sent with two decimals),
developer.paypal.com/api/rest/reference/currency-codes (HUF, JPY and TWD take no decimals).
"""

from decimal import Decimal, InvalidOperation

_STRIPE_ZERO = frozenset({"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
                          "xof", "xpf"})
_STRIPE_THREE = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_PAYPAL = frozenset({"AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN",
                     "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SEK", "SGD", "THB", "TWD", "USD"})
_PAYPAL_ZERO = frozenset({"HUF", "JPY", "TWD"})
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


class TooPrecise(ValueError):
    """The amount has more decimals than the currency takes; `args[0]` is how many it takes."""


def stripe_exponent(currency: str) -> int:
    """Decimals of one Stripe minor unit of `currency` (any case)."""
    currency = currency.lower()
    return 0 if currency in _STRIPE_ZERO else 3 if currency in _STRIPE_THREE else 2


def stripe_display(amount: int, currency: str) -> str:
    """An amount as Stripe writes it inside error messages: `$25.00`, `¥500`, `12.00 CHF`."""
    currency = currency.lower()
    text = _decimal_text(amount, stripe_exponent(currency))
    return f"{_SYMBOLS[currency]}{text}" if currency in _SYMBOLS else f"{text} {currency.upper()}"


def paypal_knows(currency: str) -> bool:
    """Whether PayPal takes the currency (upper case)."""
    return currency in _PAYPAL


def paypal_exponent(currency: str) -> int:
    """Decimals of a PayPal amount of `currency`."""
    return 0 if currency.upper() in _PAYPAL_ZERO else 2


def paypal_text(amount: int, currency: str) -> str:
    """Minor units to the decimal text that PayPal sends."""
    return _decimal_text(amount, paypal_exponent(currency))


def paypal_minor(text: str, currency: str) -> int:
    """PayPal's decimal text to minor units; TooPrecise or ValueError."""
    exponent = paypal_exponent(currency)
    try:
        scaled = Decimal(text).scaleb(exponent)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError("not a decimal number") from None
    if scaled != whole:
        raise TooPrecise(exponent)
    return whole


def _decimal_text(amount: int, exponent: int) -> str:
    return f"{Decimal(amount).scaleb(-exponent):.{exponent}f}"
