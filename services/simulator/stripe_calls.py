"""How Stripe takes a call: key first, then idempotency, then the work in one transaction with its kept answer."""

import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from services.simulator.http import Request, Response, json_response
from services.simulator.records import Records
from services.simulator.replays import KeptAnswer, KeyInUse, Replays
from services.simulator.stripe_api import secret_key
from services.simulator.stripe_shapes import StripeError, form_of, invalid

_MAX_KEY = 255  # characters, docs.stripe.com/api/idempotent_requests


class StripeCalls:
    """The protocol around Stripe's routes."""

    def __init__(self, records: Records, replays: Replays):
        self._records = records
        self._replays = replays

    def admit(self, request: Request) -> str | None:
        """Check the API key; return the call's idempotency key."""
        secret_key(request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is not None and len(key) > _MAX_KEY:
            raise invalid(f"Idempotency keys have at most {_MAX_KEY} characters.")
        return key or None

    def work(self, request: Request, action: Callable, values: Mapping, effects: Mapping, key: str | None) -> Response:
        """Do the call once per key, and answer the same ever after."""
        text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query_string
        fingerprint, place = repr(sorted(parse_qsl(text, keep_blank_values=True))), f"{request.method} {request.path}"
        kept = self._replays.kept("stripe", key) if key else None
        if kept and key:
            return _replayed(kept, fingerprint, place, key)
        request_id = f"req_{secrets.token_hex(7)}"
        with self._records.change():
            response, keeps = self._acted(action, text, values, effects, key)
            if keeps:
                self._replays.keep("stripe", key, KeptAnswer(fingerprint, place, response.status, response.body,
                                                             request_id))
        response.headers.update(_common(request_id, key))
        return response

    def refused(self, error: Exception) -> Response | None:
        """The answer to an error that this protocol knows."""
        if isinstance(error, KeyInUse):
            error = invalid("There is currently another in-progress request using this Idempotent Key (that probably "
                            "means you submitted twice, and the other request is still going through): "
                            f"{error.args[0]}. Please try again later.", status=409, code="idempotency_key_in_use")
        if not isinstance(error, StripeError):
            return None
        response = error.response()
        response.headers.update(_common(f"req_{secrets.token_hex(7)}", None))
        return response

    def broken(self) -> Response:
        """A 500 that says nothing about the outcome."""
        return json_response({"error": {"message": "An unknown error occurred", "type": "api_error"}}, 500)

    def unknown_route(self, request: Request) -> Response:
        """A 404 as Stripe words it."""
        return invalid(f"Unrecognized request URL ({request.method}: {request.path}).", status=404).response()

    def _acted(self, action: Callable, text: str, values: Mapping, effects: Mapping,
               key: str | None) -> tuple[Response, bool]:
        if effects.get("http_500") == "kept":
            return self.broken(), True
        try:
            return action(form_of(text), effects, key, **values), True
        except StripeError as error:
            return error.response(), error.kept


def _replayed(kept: KeptAnswer, fingerprint: str, place: str, key: str) -> Response:
    if (kept.fingerprint, kept.place) != (fingerprint, place):
        same = ("with the same parameters they were first used with" if kept.place == place
                else f"for the same endpoint they were first used for ('{kept.place.split(' ')[1]}')")
        raise StripeError(400, "idempotency_error",
                          f"Keys for idempotent requests can only be used {same}. Try using a key other than '{key}' "
                          "if you meant to execute a different request.")
    headers = _common(f"req_{secrets.token_hex(7)}", key)
    headers |= {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
    return Response(kept.status, kept.body, headers=headers)


def _common(request_id: str, key: str | None) -> dict[str, str]:
    return {"Request-Id": request_id, **({"Idempotency-Key": key, "Original-Request": request_id} if key else {})}
