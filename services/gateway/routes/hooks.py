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


ROUTES = (
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
