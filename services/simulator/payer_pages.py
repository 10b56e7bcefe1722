"""The providers' own pages, where the payer pays: seen by people in the demo, pressed by tests."""

import html
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from services.simulator.checkouts import NotOpen, UnknownCheckout
from services.simulator.currencies import paypal_text, stripe_display
from services.simulator.http import Request, Response
from services.simulator.paypal_orders import DECLINED, PayPalOrders
from services.simulator.records import Checkout, Records
from services.simulator.stripe_checkout import StripeCheckout
from services.simulator.stripe_shapes import StripeError

_CARDS = {"pm_card_visa": "Visa •••• 4242", "pm_card_pendingRefund": "Visa •••• 7726 (refunds take a moment)",
          "pm_card_refundFail": "Visa •••• 5126 (refunds fail)",
          "pm_card_chargeDeclined": "Visa •••• 0002 (declined)"}
_WALLETS = {"wallet": "PayPal balance", DECLINED: "A card that PayPal declines"}
_STYLE = """body{margin:0;background:#f5f6f8;color:#1a1f36;font:16px/1.5 system-ui,sans-serif}
main{max-width:440px;margin:56px auto;padding:36px;background:#fff;border-radius:14px;box-shadow:0 8px 40px #1a1f3618}
h1{margin:0;font-size:19px}b.sum{display:block;margin:4px 0 22px;font-size:36px;letter-spacing:-.02em}
label{display:flex;gap:10px;padding:12px 14px;margin-bottom:8px;border:1px solid #d8dce6;border-radius:8px}
button{width:100%;padding:14px;margin-top:12px;border:0;border-radius:8px;font:600 16px system-ui;color:#fff}
.note{margin:18px 0 0;font-size:13px;color:#697386}a{color:inherit}
.bad{padding:10px 14px;background:#fdecec;border-radius:8px}"""


class PayerPages:
    """Answers the payer's browser: GET shows, POST pays or approves and leads back to the shop."""

    def __init__(self, records: Records, stripe: StripeCheckout, paypal: PayPalOrders, wake: Callable[[], None]):
        self._records = records
        self._stripe = stripe
        self._paypal = paypal
        self._wake = wake

    def answer(self, request: Request) -> Response | None:
        """The page, or None when the path is none of these."""
        provider, id = self._named(request)
        if id is None:
            return None
        desk = self._stripe if provider == "stripe" else self._paypal
        try:
            checkout = desk.checkouts.find(provider, id)
        except UnknownCheckout:
            return _page(provider, "<h1>Nothing to pay here</h1>", 404)
        if request.method == "POST":
            return self._pressed(checkout, parse_qs(request.body.decode("utf-8", "replace")))
        return self._shown(checkout)

    def _named(self, request: Request) -> tuple[str, str | None]:
        if request.path.startswith("/c/pay/"):
            return "stripe", request.path.removeprefix("/c/pay/")
        return "paypal", request.query.get("token") if request.path == "/checkoutnow" else None

    def _pressed(self, checkout: Checkout, form: dict[str, list[str]]) -> Response:
        method = form.get("method", [""])[0]
        try:
            with self._records.change():
                if checkout.provider == "stripe":
                    self._stripe.paid_by(checkout.id, method or "pm_card_visa")
                else:
                    self._paypal.approved_by(checkout.id, method)
        except StripeError as error:
            return self._shown(checkout, str(error), 402)
        except NotOpen:
            return self._shown(self._stripe.checkouts.find(checkout.provider, checkout.id), status=409)
        self._wake()
        return _away(checkout)

    def _shown(self, checkout: Checkout, refused: str = "", status: int = 200) -> Response:
        name = "Stripe" if checkout.provider == "stripe" else "PayPal"
        head = f"<h1>{name} (simulated): {html.escape(checkout.title)}</h1><b class=sum>{_sum(checkout)}</b>"
        if checkout.status != "open":
            return _page(checkout.provider, f"{head}<p>This payment is {checkout.status}.</p>", status)
        choices = _CARDS if checkout.provider == "stripe" else _WALLETS
        radios = "".join(
            f'<label><input type=radio name=method value="{value}"{" checked" * (not number)}>{text}</label>'
            for number, (value, text) in enumerate(choices.items()))
        bad = f"<p class=bad>{html.escape(refused)}</p>" if refused else ""
        cancel = html.escape(checkout.cancel, quote=True)
        form = f"<form method=post>{radios}<button>Pay {_sum(checkout)}</button></form>"
        return _page(checkout.provider, f"{head}{bad}{form}"
                     f'<p class=note><a href="{cancel}">Cancel and go back to the shop</a></p>', status)


def _sum(checkout: Checkout) -> str:
    if checkout.provider == "stripe":
        return stripe_display(checkout.amount, checkout.currency)
    return f"{paypal_text(checkout.amount, checkout.currency)} {checkout.currency.upper()}"


def _away(checkout: Checkout) -> Response:
    """Back to the shop; PayPal adds what it calls the order and the payer."""
    url = checkout.back
    if checkout.provider == "paypal":
        url += ("&" if "?" in url else "?") + urlencode({"token": checkout.id, "PayerID": "SIMULATED"})
    return Response(303, b"", "text/plain", {"Location": url})


def _page(provider: str, content: str, status: int) -> Response:
    color = "#635bff" if provider == "stripe" else "#0070ba"
    text = (f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<title>Simulated {provider}</title><style>{_STYLE}button{{background:{color}}}</style><main>{content}"
            "<p class=note>No money moves here: this is the suite's simulator.</p></main>")
    return Response(status, text.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})
