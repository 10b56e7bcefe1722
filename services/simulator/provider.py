"""The providers on one port: Stripe under /v1, PayPal under /v2 and its few /v1 routes, switches before both."""

import asyncio
import collections
import logging
import time
from pathlib import Path

from services.simulator.checkouts import Checkouts
from services.simulator.control import Control
from services.simulator.disputes import Disputes
from services.simulator.faults import Switches, is_seconds, is_word, one_of
from services.simulator.http import HttpServer, LineCut, Request, Response, Routes
from services.simulator.ledger import Ledger
from services.simulator.payer_pages import PayerPages
from services.simulator.paypal_api import PayPalApi
from services.simulator.paypal_calls import PayPalCalls, token_response
from services.simulator.paypal_orders import PayPalOrders
from services.simulator.paypal_reports import PayPalReports
from services.simulator.records import Records
from services.simulator.replays import Replays
from services.simulator.settling import Settling
from services.simulator.stripe_api import StripeApi
from services.simulator.stripe_calls import StripeCalls
from services.simulator.stripe_checkout import StripeCheckout
from services.simulator.webhooks import Webhooks

_log = logging.getLogger(__name__)
CALLS_KEPT = 2_000  # enough for a test to count, bounded for a demo that runs for days
EFFECTS = {
    "slow": is_seconds,
    "refuse": is_word,
    "cut": one_of("before", "after"),
    "http_500": one_of(True, "before", "after", "kept"),
    "mode": one_of("instant", "pending"),
    "settle_after": is_seconds,
    "settle_as": one_of("succeeded", "failed"),
}
# A switch strikes refund calls of both providers unless it says otherwise.
FILTERS = {"on": "refund", "provider": None}


class Provider:
    """Everything behind the provider port."""

    def __init__(self, data: Path | None, public_url: str | None = None):
        self._public_url = public_url
        self.records = Records(data / "provider.sqlite" if data else None)
        self.ledger = Ledger(self.records)
        self.replays = Replays(self.records)
        self.webhooks = Webhooks(self.records)
        self.switches = Switches(EFFECTS, FILTERS)
        self.calls: collections.deque[dict] = collections.deque(maxlen=CALLS_KEPT)
        self.stripe = StripeApi(self.records, self.ledger, self.webhooks)
        self.paypal = PayPalApi(self.records, self.ledger, self.webhooks)
        self.settling = Settling(self.records, self.ledger, self.webhooks, (self.stripe, self.paypal))
        checkouts = Checkouts(self.records, self.ledger)
        self.stripe_checkout = StripeCheckout(checkouts, self.webhooks)
        self.paypal_orders = PayPalOrders(checkouts, self.ledger, self.webhooks)
        self.disputes = Disputes(self.records, self.webhooks)
        reports = PayPalReports(self.records)
        self._pages = PayerPages(self.records, self.stripe_checkout, self.paypal_orders, self.webhooks.wake)
        self._stripe_calls = StripeCalls(self.records, self.replays)
        self._paypal_calls = PayPalCalls(self.records, self.replays, self.paypal, self.paypal_orders)
        self._control = Control(self)
        paypal = self.paypal.routes + self.paypal_orders.routes + self.disputes.paypal_routes + reports.routes
        stripe = self.stripe.routes + self.stripe_checkout.routes + self.disputes.stripe_routes
        self._routes = Routes([
            *((m, p, (self._paypal_calls, "paypal", *entry)) for m, p, entry in paypal),
            *((m, p, (self._stripe_calls, "stripe", *entry)) for m, p, entry in stripe),
        ])
        self._server = HttpServer(self.answer)

    async def listen(self, host: str, port: int) -> int:
        """Start; what a restart left undelivered or unsettled goes on. Returns the real port."""
        port = await self._server.listen(host, port)
        base = f"http://{host}:{port}"
        self.paypal.base = base
        # what the payer's browser opens may have another name than what the services call
        self.stripe_checkout.base = self.paypal_orders.base = self._public_url or base
        self.webhooks.wake()
        self.settling.resume()
        return port

    async def close(self) -> None:
        """Stop at once."""
        await self._server.close()
        self.settling.stop()
        await self.webhooks.stop()
        self.records.close()

    async def answer(self, request: Request) -> Response:
        """Answer any request of the port."""
        if request.path.startswith("/_control/"):
            return self._control.answer(request)
        if (request.method, request.path) == ("POST", "/v1/oauth2/token"):
            return token_response(request)
        if page := self._pages.answer(request):
            return page
        found = self._routes.find(request.method, request.path)
        if found is None:
            return self._stripe_calls.unknown_route(request)
        (calls, provider, kind, action), values = found
        note = {"at": time.time(), "provider": provider, "method": request.method, "path": request.path, "key": None}
        try:
            response = await self._taken(calls, provider, kind, action, request, values, note)
        except LineCut:
            note["outcome"] = "cut"
            raise
        finally:
            self.calls.append(note)
        note["outcome"] = response.status
        return response

    async def _taken(self, calls, provider: str, kind: str, action, request: Request, values: dict,
                     note: dict) -> Response:
        try:
            key = note["key"] = calls.admit(request)
            with self.replays.running(provider, key):
                effects = self.switches.drawn(on=(kind,), provider=(provider,))
                return await self._struck(calls, action, request, values, effects, key)
        except LineCut:
            raise
        except Exception as error:
            response = calls.refused(error)
            if response is None:
                _log.exception("The simulator failed at %s %s", request.method, request.path)
                return calls.broken()
            return response

    async def _struck(self, calls, action, request: Request, values: dict, effects: dict,
                      key: str | None) -> Response:
        """The work with what goes wrong around it. A client that has left does not stop the work, as at a provider."""
        if "slow" in effects:
            await asyncio.sleep(effects["slow"])
        if effects.get("cut") == "before":
            raise LineCut
        if effects.get("http_500") in (True, "before"):
            return calls.broken()
        response = calls.work(request, action, values, effects, key)
        self.webhooks.wake()
        self.settling.resume()
        if effects.get("cut") == "after":
            raise LineCut
        return calls.broken() if effects.get("http_500") == "after" else response
