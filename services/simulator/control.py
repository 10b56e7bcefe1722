"""The switchboard under /_control: payments, ledger, refunds, disputes, webhooks, faults, reset. JSON both ways."""

from dataclasses import asdict
from typing import TYPE_CHECKING, TypeGuard

from services.simulator.faults import UnknownSwitch
from services.simulator.http import Request, Response, Routes, json_response
from services.simulator.ledger import Course, Refused
from services.simulator.records import Payment

if TYPE_CHECKING:
    from services.simulator.provider import Provider

_PROVIDERS = ("stripe", "paypal")
MAX_AMOUNT = 10**12  # minor units; far over any order, far under what 64 bits hold


class NotUnderstood(ValueError):
    """The control call asks for something that does not exist."""


class Control:
    """Answers control calls."""

    def __init__(self, provider: "Provider"):
        self._p = provider
        self._routes = Routes([
            ("GET", "/_control/health", lambda request: {"status": "ok"}),
            ("POST", "/_control/payments", self._open_payment),
            ("GET", "/_control/ledger", self._ledger),
            ("GET", "/_control/calls", lambda request: {"calls": list(self._p.calls)}),
            ("POST", "/_control/refunds", self._external_refund),
            ("POST", "/_control/disputes", self._dispute),
            ("POST", "/_control/disputes/{id}/close", self._close_dispute),
            ("POST", "/_control/settle", self._settle),
            ("POST", "/_control/refunds/{id}/settle", self._settle),
            ("GET", "/_control/webhooks", lambda request: {"targets": self._p.webhooks.targets()}),
            ("POST", "/_control/webhooks", self._register),
            ("DELETE", "/_control/webhooks", lambda request: self._unregister()),
            ("DELETE", "/_control/webhooks/{id}", lambda request, id: self._unregister(id)),
            ("GET", "/_control/deliveries", lambda request: {"deliveries": self._p.webhooks.deliveries()}),
            ("POST", "/_control/events/{id}/resend",
             lambda request, id: {"deliveries": self._p.webhooks.resend(id)}),
            ("GET", "/_control/faults", lambda request: {"switches": self._p.switches.listed()}),
            ("POST", "/_control/faults", lambda request: self._p.switches.add(request.json())),
            ("DELETE", "/_control/faults", lambda request: self._clear()),
            ("DELETE", "/_control/faults/{id}", lambda request, id: self._clear(int(id))),
            ("DELETE", "/_control/keys", lambda request: {"expired": self._p.replays.expire()}),
            ("POST", "/_control/reset", self._reset),
        ])

    def answer(self, request: Request) -> Response:
        """Answer one control call: 400 when it is not understood, 409 when the ledger refuses."""
        found = self._routes.find(request.method, request.path)
        if found is None:
            return json_response({"error": "There is no such control route."}, 404)
        action, values = found
        try:
            return json_response(action(request, **values))
        except Refused as error:
            return json_response({"error": f"{type(error).__name__}: {type(error).__doc__}"}, 409)
        except (UnknownSwitch, NotUnderstood) as error:
            return json_response({"error": str(error)}, 400)
        except (ValueError, TypeError, KeyError):
            return json_response({"error": "The body or the path of this control call cannot be used."}, 400)

    def _open_payment(self, request: Request) -> dict:
        wish = request.json()
        provider, currency, amount = _provider(wish), wish.get("currency"), wish.get("amount")
        captured = wish.get("captured", amount)
        if not isinstance(currency, str) or len(currency) != 3 or not (_is_amount(amount) and _is_amount(captured)):
            raise NotUnderstood("A payment has a currency of three letters and a whole amount of minor units.")
        with self._p.records.change():
            payment = self._p.ledger.open_payment(
                provider, currency, amount, id=_text(wish, "id"), charge=_text(wish, "charge"), captured=captured,
                method=_text(wish, "method") or "pm_card_visa", metadata=_labels(wish))
        return _shown(payment)

    def _ledger(self, request: Request) -> dict:
        wanted = request.query
        conditions = [f"{name} = ?" for name in ("provider", "id") if name in wanted]
        payments = self._p.records.payments(" AND ".join(conditions) or "1",
                                            *(wanted[name] for name in ("provider", "id") if name in wanted))
        refunds: dict[tuple, list] = {}
        for refund in self._p.records.refunds("1 ORDER BY seq"):
            refunds.setdefault((refund.provider, refund.payment), []).append(asdict(refund))
        return {"payments": [{**_shown(p), "refunds": refunds.get((p.provider, p.id), [])} for p in payments]}

    def _external_refund(self, request: Request) -> dict:
        wish = request.json()
        amount = wish.get("amount")
        if amount is not None and not _is_amount(amount):
            raise NotUnderstood("amount is a whole number of minor units from 1.")
        with self._p.records.change():
            payment = self._p.ledger.payment(_provider(wish), str(wish.get("payment")))
            refund = self._p.ledger.refund(payment, amount, Course(), metadata=_labels(wish), external=True)
            self._p.settling.announce(refund)
        self._p.webhooks.wake()
        return asdict(refund)

    def _dispute(self, request: Request) -> dict:
        wish = request.json()
        amount = wish.get("amount")
        if amount is not None and not _is_amount(amount):
            raise NotUnderstood("amount is a whole number of minor units from 1.")
        with self._p.records.change():
            payment = self._p.ledger.payment(_provider(wish), str(wish.get("payment")))
            dispute = self._p.disputes.open(payment, amount, _text(wish, "reason") or "fraudulent")
        self._p.webhooks.wake()
        return asdict(dispute)

    def _close_dispute(self, request: Request, id: str) -> dict:
        won = request.json().get("won")
        if not isinstance(won, bool):
            raise NotUnderstood("won is true or false.")
        with self._p.records.change():
            dispute = self._p.disputes.close(id, won)
        self._p.webhooks.wake()
        return asdict(dispute)

    def _settle(self, request: Request, id: str | None = None) -> dict:
        wish = request.json()
        status = wish.get("as", "succeeded")
        if status not in ("succeeded", "failed"):
            raise NotUnderstood("as is succeeded or failed.")
        moved = self._p.settling.settle_pending(status, id, _text(wish, "failure_reason"))
        return {"settled": [asdict(refund) for refund in moved]}

    def _register(self, request: Request) -> dict:
        wish = request.json()
        url, events = wish.get("url"), wish.get("events", ["*"])
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise NotUnderstood("url starts with http:// or https://.")
        if not isinstance(events, list) or not all(isinstance(type, str) for type in events):
            raise NotUnderstood("events is a list of event types, or [\"*\"].")
        return self._p.webhooks.register(_provider(wish), url, _text(wish, "secret"), events, _text(wish, "id"))

    def _unregister(self, id: str | None = None) -> dict:
        self._p.webhooks.unregister(id)
        return {"targets": self._p.webhooks.targets()}

    def _clear(self, number: int | None = None) -> dict:
        self._p.switches.clear(number)
        return {"switches": self._p.switches.listed()}

    def _reset(self, request: Request) -> dict:
        self._p.records.forget_all()
        self._p.switches.clear()
        self._p.calls.clear()
        return {"status": "empty"}


def _provider(wish: dict) -> str:
    provider = wish.get("provider", "stripe")
    if provider not in _PROVIDERS:
        raise NotUnderstood(f"provider is one of {', '.join(_PROVIDERS)}.")
    return provider


def _text(wish: dict, name: str) -> str | None:
    value = wish.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise NotUnderstood(f"{name} is a text.")
    return value


def _labels(wish: dict) -> dict:
    labels = wish.get("metadata", {})
    if not isinstance(labels, dict):
        raise NotUnderstood("metadata is an object.")
    return {str(name): str(value) for name, value in labels.items()}


def _is_amount(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_AMOUNT


def _shown(payment: Payment) -> dict:
    return {**asdict(payment), "left": payment.left}
