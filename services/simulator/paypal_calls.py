"""How PayPal takes a call: a bearer token first, then the request id, then the work in one transaction."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping

import orjson

from services.simulator.http import Request, Response, json_response
from services.simulator.paypal_api import PayPalApi
from services.simulator.paypal_orders import PayPalOrders
from services.simulator.paypal_shapes import PayPalError, malformed
from services.simulator.records import Records
from services.simulator.replays import KeptAnswer, KeyInUse, Replays

TOKEN_LIFE = 32_400  # seconds, as the sandbox gives
# Tokens are signed and not stored, so they outlive a restart. This guards nothing: the simulator has no secrets.
_SEAL = b"simulated"


def token_response(request: Request) -> Response:
    """POST /v1/oauth2/token with Basic client credentials: any client id and secret that are not empty."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        client = secret = ""
    if scheme.lower() != "basic" or not client or not secret:
        return json_response({"error": "invalid_client", "error_description": "Client Authentication failed"}, 401)
    if b"grant_type=client_credentials" not in request.body:
        return json_response({"error": "unsupported_grant_type",
                              "error_description": "Grant Type is missing or not supported."}, 400)
    expiry = int(time.time()) + TOKEN_LIFE
    return json_response({
        "scope": "https://uri.paypal.com/services/payments/refund", "access_token": f"A21AA{expiry}.{_mac(expiry)}",
        "token_type": "Bearer", "app_id": "APP-80W284485P519543T", "expires_in": TOKEN_LIFE,
        "nonce": f"{secrets.token_hex(16)}"})


def _mac(expiry: int) -> str:
    return hmac.new(_SEAL, str(expiry).encode(), hashlib.sha256).hexdigest()


def _genuine(token: str) -> bool:
    expiry, _, mac = token.removeprefix("A21AA").partition(".")
    return (expiry.isascii() and expiry.isdigit() and int(expiry) > time.time()
            and hmac.compare_digest(mac, _mac(int(expiry))))


class _NoToken(Exception):
    """The bearer token is absent, expired or not one of ours."""


class PayPalCalls:
    """The protocol around PayPal's routes."""

    def __init__(self, records: Records, replays: Replays, api: PayPalApi, orders: PayPalOrders):
        self._records = records
        self._replays = replays
        self._api = api
        self._orders = orders

    def admit(self, request: Request) -> str | None:
        """Check the token; return the call's request id."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not _genuine(token):
            raise _NoToken
        return request.headers.get("paypal-request-id") if request.method == "POST" else None

    def work(self, request: Request, action: Callable, values: Mapping, effects: Mapping, key: str | None) -> Response:
        """Do the call once per request id. Unlike Stripe, PayPal does not compare bodies and keeps no refusals."""
        prefer, place = request.headers.get("prefer", ""), f"{request.method} {request.path}"
        kept = self._replays.kept("paypal", key) if key else None
        if kept and kept.place == place:
            owner = self._orders if "/checkout/orders" in request.path else self._api
            return _labelled(owner.replayed(kept.body.decode(), prefer))
        if effects.get("http_500") == "kept":
            return self.broken()
        try:
            body = request.json() if request.method == "POST" else request.query
        except ValueError:
            raise malformed("MALFORMED_REQUEST_JSON") from None
        with self._records.change():
            response = action(body, effects, key, prefer, **values)
            if key and not kept and response.status == 201:
                refund = orjson.loads(response.body)["id"].encode()
                self._replays.keep("paypal", key, KeptAnswer("", place, 201, refund, ""))
        return _labelled(response)

    def refused(self, error: Exception) -> Response | None:
        """The answer to an error that this protocol knows."""
        if isinstance(error, _NoToken):
            return json_response({"error": "invalid_token", "error_description": "Access Token not found in cache"},
                                 401)
        if isinstance(error, KeyInUse):
            error = PayPalError(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS")
        return error.response() if isinstance(error, PayPalError) else None

    def broken(self) -> Response:
        """A 500 that says nothing about the outcome."""
        return PayPalError(500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVICE_ERROR",
                           description="An internal service error has occurred.").response()


def _labelled(response: Response) -> Response:
    response.headers["PayPal-Debug-Id"] = secrets.token_hex(6)
    return response
