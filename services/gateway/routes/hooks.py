"""Webhooks of payment providers: carried to the refund service as they came; their signature is verified there."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from services.gateway import views
from services.gateway.answers import respond
from services.gateway.bodies import raw_body
from services.gateway.inquiry import Inquiry
from services.gateway.problems import MalformedBody
from services.gateway.table import Route
from shared.contracts.refund import PROVIDER_EVENT
from shared.kernel.principal import Principal

# The signature is the only right this caller has; the tenant is that of the payment which the event is about.
PROVIDER = Principal("system", "stripe", "provider", via="webhook")

PAYPAL_HEADERS = tuple(
    f"Paypal-{name}" for name in ("Auth-Algo", "Cert-Url", "Transmission-Id", "Transmission-Sig", "Transmission-Time")
)


def stripe(gateway: Any, inquiry: Inquiry) -> Response:
    """Raw bytes and the signature over them; nothing is parsed here, nothing else is passed on."""
    gateway.rates.admit_address(inquiry.environ)
    try:
        body = raw_body(inquiry.environ).decode()
    except UnicodeDecodeError:
        raise MalformedBody(reason="it is not UTF-8") from None
    headers = {"Stripe-Signature": inquiry.environ.get("HTTP_STRIPE_SIGNATURE", "")}
    inquiry.principal = PROVIDER
    call = inquiry.call(args={"provider": "stripe", "headers": headers, "body": body})
    return respond(gateway.clients.call("refund", call), inquiry)


def paypal(gateway: Any, inquiry: Inquiry) -> Response:
    """The body as it came and the headers that PayPal signs with; PayPal itself is asked whether it sent this."""
    gateway.rates.admit_address(inquiry.environ)
    try:
        body = raw_body(inquiry.environ).decode()
    except UnicodeDecodeError:
        raise MalformedBody(reason="it is not UTF-8") from None
    environ = inquiry.environ
    headers = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), "")[:1000] for name in PAYPAL_HEADERS}
    inquiry.principal = Principal("system", "paypal", "provider", via="webhook")
    call = inquiry.call(args={"provider": "paypal", "headers": headers, "body": body})
    return respond(gateway.clients.call("refund", call), inquiry)


ROUTES = (
    Route(
        "POST",
        "/hooks/paypal",
        "An event of PayPal, verified by it",
        PROVIDER_EVENT,
        view=views.Received(),
        answer=paypal,
        tag="hooks",
    ),
    Route(
        "POST",
        "/hooks/stripe",
        "An event of Stripe, signed by it",
        PROVIDER_EVENT,
        view=views.Received(),
        answer=stripe,
        tag="hooks",
    ),
)
