"""Payment links: giving them out, the public page behind them, and what providers tell of payments (PAY-01 to PAY-06).

GET and HEAD change nothing: mail scanners open links. What pays is a POST, which the page sends without any script.
"""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Response

from services.gateway import views
from services.gateway.answers import respond
from services.gateway.bodies import raw_body
from services.gateway.inquiry import Inquiry
from services.gateway.pages import views as papers
from services.gateway.pages.pay import language_of, pay_page
from services.gateway.problems import LinkOver, LinkPaid, MalformedBody
from services.gateway.table import Route
from shared.contracts import paying as contract
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.ops.seals import seal

# The link is the only right this caller has; the tenant is that of the request behind it.
PAYER = Principal("system", "payment-link", "link", via="link")
PROVIDERS = {name: Principal("system", name, "provider", via="webhook") for name in contract.PROVIDERS}
RETURN = "payment return"  # what the order service opens the address with that the payer comes back to
LOOKS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)  # seconds between looks while the provider makes its page
HEADERS = {"stripe": "Stripe-Signature", "paypal": "PayPal-Transmission-Id"}

# looking


def show(gateway: Any, inquiry: Inquiry) -> Response:
    """PAY-02: viewing is not use."""
    gateway.rates.admit_address(inquiry.environ)
    return _page(gateway, inquiry, _look(gateway, inquiry))


def _look(gateway: Any, inquiry: Inquiry) -> dict[str, Any] | None:
    """What the link is for; None when it is none of ours."""
    answer = _ask(gateway, inquiry, contract.LOOK.name)
    return answer.body if answer.ok else None


def _ask(gateway: Any, inquiry: Inquiry, operation: str, **args: Any) -> Any:
    """The token itself goes no further than here: the service is asked by its hash."""
    inquiry.principal, inquiry.key = PAYER, None
    token_hash = hashlib.sha256(inquiry.args["token"].encode()).hexdigest()
    return gateway.clients.call("order", inquiry.call(operation, {"token_hash": token_hash, **args}))


def _page(gateway: Any, inquiry: Inquiry, found: dict[str, Any] | None, notice: str | None = None) -> Response:
    if _is_program(inquiry.environ):
        _must_work(found)
    shop = gateway.settings.mail_from.partition("<")[0].strip()
    done = "done=1" in inquiry.environ.get("QUERY_STRING", "")
    return pay_page(found, language_of(inquiry.environ, found), inquiry.args["token"], shop, notice, done)


def _is_program(environ: dict[str, Any]) -> bool:
    """Programs that say so are told as programs are; people, and mail scanners, get the page."""
    accepted = environ.get("HTTP_ACCEPT", "")
    return "json" in accepted and "html" not in accepted


def _must_work(found: dict[str, Any] | None) -> None:
    """Raises what the page says in words when the link is none, or over (S4-08)."""
    if found is None:
        raise NotFound(kind="payment link")
    if found["state"] == "paid":
        raise LinkPaid()
    if found["state"] in ("expired", "revoked"):
        raise LinkOver(state=found["state"])


# paying


def act(gateway: Any, inquiry: Inquiry) -> Response:
    """PAY-03: one of the page's buttons: pay with a provider, or choose another way."""
    gateway.rates.admit_address(inquiry.environ)
    wish = _form(inquiry.environ)
    if wish in contract.PROVIDERS:
        return _start(gateway, inquiry, wish)
    if wish == "restart":
        _ask(gateway, inquiry, contract.RESTART.name)
        _until(gateway, inquiry, lambda found: found is None or found["state"] != "paying")
        return _see(inquiry)
    return _page(gateway, inquiry, _look(gateway, inquiry), notice="choose")


def _start(gateway: Any, inquiry: Inquiry, provider: str) -> Response:
    back = f"{gateway.settings.public_url}/pay/{inquiry.args['token']}"
    sealed = seal(gateway.settings.link_secret, RETURN, back.encode())
    answer = _ask(gateway, inquiry, contract.START.name, provider=provider, return_to=sealed)
    if not answer.ok:
        return _see(inquiry) if answer.status == 409 else _page(gateway, inquiry, _look(gateway, inquiry))
    found = _until(gateway, inquiry, lambda found: found is None or found["url"] or found["state"] != "paying")
    return _see(inquiry, found["url"] if found else None)


def _until(gateway: Any, inquiry: Inquiry, done: Any) -> dict[str, Any] | None:
    """Look again until it is so, for two seconds at most; the page itself goes on looking after that."""
    for pause in (*LOOKS, None):
        found = _look(gateway, inquiry)
        if done(found) or pause is None:
            return found
        time.sleep(pause * gateway.pay_patience)
    return None


def _see(inquiry: Inquiry, url: str | None = None) -> Response:
    """303: to the provider's page, or back to the link's own; reloading it sends nothing twice."""
    response = Response(status=303, content_type="text/html; charset=utf-8")
    response.headers["Location"] = url or f"/pay/{inquiry.args['token']}"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.autocorrect_location_header = False
    return response


def _form(environ: dict[str, Any]) -> str:
    """Which button was pressed."""
    try:
        return parse_qs(raw_body(environ).decode(), max_num_fields=4).get("with", [""])[0]
    except ValueError:
        raise MalformedBody(reason="it is not a form of this page") from None


# what providers tell


def hook(provider: str, gateway: Any, inquiry: Inquiry) -> Response:
    """Raw bytes and the signature over them; nothing is parsed here, nothing else is passed on."""
    gateway.rates.admit_address(inquiry.environ)
    try:
        body = raw_body(inquiry.environ).decode()
    except UnicodeDecodeError:
        raise MalformedBody(reason="it is not UTF-8") from None
    header = HEADERS[provider]
    headers = {header: inquiry.environ.get(f"HTTP_{header.upper().replace('-', '_')}", "")}
    inquiry.principal = PROVIDERS[provider]
    call = inquiry.call(args={"provider": provider, "headers": headers, "body": body})
    return respond(gateway.clients.call("order", call), inquiry)


read = partial(Route, "GET", tag="payments", scope="orders:read")
write = partial(Route, "POST", tag="payments", scope="orders:write", view=papers.PaymentRequest())
OF_ORDER, ONE, LINK = "/v1/orders/{order_id}/payment-requests", "/v1/payment-requests/{request_id}", "/pay/{token}"

ROUTES = (
    write(OF_ORDER, "Send the customer a link to pay what is due", contract.ISSUE, status=201,
          location="/v1/payment-requests/{id}"),
    read(OF_ORDER, "The payment links of an order, newest first", contract.LIST,
         view=views.listing(papers.PaymentRequest)),
    read(ONE, "A payment link: its state, never its address", contract.GET, view=papers.PaymentRequest()),
    write(f"{ONE}:revoke", "Make a payment link useless", contract.REVOKE),
    Route("GET", LINK, "The page of a payment link: looking changes nothing", answer=show, tag="payments"),
    Route("POST", LINK, "Pay: what the page's buttons send", answer=act, tag="payments"),
    Route("POST", "/hooks/payments/stripe", "An event of Stripe about a payment, signed by it",
          contract.PROVIDER_EVENT, view=views.Received(), answer=partial(hook, "stripe"), tag="hooks"),
    Route("POST", "/hooks/payments/paypal", "An event of PayPal about a payment: PayPal is asked whether it is so",
          contract.PROVIDER_EVENT, view=views.Received(), answer=partial(hook, "paypal"), tag="hooks"),
)  # fmt: skip
