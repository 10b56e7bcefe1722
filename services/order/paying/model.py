"""A payment request: who may pay how much through one link, once (PAY-01 to PAY-06, I9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import NotInThisState, Refusal

SILENCE = timedelta(minutes=30)  # PAY-05: after this the provider is asked, and the attempt ended
OVER = frozenset({"paid", "expired", "revoked"})


class NothingDue(Refusal):
    """Nothing is due on this order: it has been paid in full."""

    code = "NOTHING_DUE"
    status = 409
    rule = "PAY-01"


class MoreThanDue(Refusal):
    """Only {due} {currency}, in minor units, is due on this order."""

    code = "AMOUNT_EXCEEDS_DUE"
    status = 422
    rule = "PAY-01"


class RequestOpen(Refusal):
    """This order has an open payment link, {request_id}: revoke it before you issue another."""

    code = "PAYMENT_REQUEST_OPEN"
    status = 409
    rule = "PAY-01"


class LinkOver(Refusal):
    """This payment link is {state}: it works no more."""

    code = "PAYMENT_LINK_OVER"
    status = 410
    rule = "PAY-06"


class OtherAttempt(Refusal):
    """A payment with {provider} is under way through this link: go on with it, or end it before you choose another."""

    code = "PAYMENT_UNDER_WAY"
    status = 409
    rule = "PAY-03"


class LinksNotConfigured(Refusal):
    """Payment links are sealed with LINK_SECRET, which is not set: set it for order, notification and gateway."""

    code = "LINKS_NOT_CONFIGURED"
    status = 503


class WebhookRefused(Refusal):
    """This webhook was not signed by {provider} within the last five minutes."""

    code = "WEBHOOK_REFUSED"
    status = 400
    rule = "M16"


@dataclass(kw_only=True)
class PaymentLink(Aggregate):
    """That a link was given out, told on the private exchange alone. Its id is the request's."""

    stream = "payment_link"

    order_id: str

    def issued(self, request: PaymentRequest, sealed: str) -> None:
        facts = {**request.facts(), "purpose": request.purpose, "sealed": sealed}
        self.record("payment_link.issued", **facts)


@dataclass(kw_only=True)
class PaymentRequest(Aggregate):
    """issued ⇄ paying → paid; issued → expired | revoked. token_hash: SHA-256 of what the link carries.

    attempt: counts payments begun; with the id it is the key that the provider gets, for ever. closing: the payer wants
    another way to pay: the provider is told to end this attempt.
    """

    stream = "payment_request"

    order_id: str
    order_number: str
    seller_id: str
    customer_ref: str
    currency: str
    amount: int
    purpose: str | None
    locale: str
    token_hash: str
    issued_at: datetime
    expires_at: datetime
    state: str = "issued"
    attempt: int = 0
    provider: str | None = None
    started_at: datetime | None = None
    provider_ref: str | None = None
    provider_url: str | None = None
    closing: bool = False
    failure: str | None = None
    paid_at: datetime | None = None

    def facts(self) -> dict[str, Any]:
        return {
            "request_id": self.id,
            "order_id": self.order_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "amount": {"amount": self.amount, "currency": self.currency},
            "expires_at": stamp(self.expires_at),
        }

    @property
    def key(self) -> str:
        """Of the attempt: idempotency key at the provider, and id of the payment that comes of it."""
        return f"{self.id}.{self.attempt}"

    def state_at(self, now: datetime) -> str:
        """The state as a reader sees it: a link is over the moment its time is, whenever the timer comes."""
        return "expired" if self.state == "issued" and now >= self.expires_at else self.state

    def issue(self) -> None:
        """PAY-01."""
        self.record("payment_request.issued", **self.facts())

    def start(self, provider: str, now: datetime) -> bool:
        """PAY-03: issued → paying. False when this very attempt is under way: a double click, or a second payer.

        Raises LinkOver, or OtherAttempt when it is under way with another provider.
        """
        state = self.state_at(now)
        if state in OVER:
            raise LinkOver(state=state)
        if state == "paying":
            if provider != self.provider:
                raise OtherAttempt(provider=self.provider)
            return False
        self.state, self.provider, self.started_at = "paying", provider, now
        self.attempt += 1
        self.provider_ref = self.provider_url = self.failure = None
        self.closing = False
        return True

    def opened(self, ref: str | None, url: str | None) -> None:
        """The provider has a page for this attempt."""
        self.provider_ref, self.provider_url = ref, url

    def restart(self, now: datetime) -> bool:
        """The payer wants another way: True when the provider has to be told to end the attempt."""
        if (state := self.state_at(now)) in OVER:
            raise LinkOver(state=state)
        if state != "paying" or self.closing or self.provider_ref is None:
            return False
        self.closing = True
        return True

    def pay(self, provider: str, payment_id: str, now: datetime) -> None:
        """PAY-04: used. What a provider has taken counts, whatever became of the link meanwhile."""
        self.state, self.paid_at, self.closing = "paid", now, False
        self.provider_url = None
        self.record("payment_request.paid", **self.facts(), provider=provider, payment_id=payment_id)

    def give_back(self, code: str, now: datetime) -> None:
        """PAY-05: this attempt is over, nobody can pay it any more; the link works again, if its time is not over."""
        self._must_be("paying", "give the link back")
        self.state, self.failure, self.closing = "issued", code, False
        self.provider_url = None
        told = {"provider": self.provider, "attempt": self.attempt, "code": code}
        self.record("payment_request.attempt_failed", **self.facts(), **told)
        if now >= self.expires_at:
            self.expire()

    def expire(self) -> None:
        """PAY-06."""
        self._must_be("issued", "expire")
        self.state = "expired"
        self.record("payment_request.expired", **self.facts())

    def revoke(self) -> None:
        """PAY-06."""
        self._must_be("issued", "revoke")
        self.state = "revoked"
        self.record("payment_request.revoked", **self.facts())

    def _must_be(self, state: str, action: str) -> None:
        if self.state != state:
            raise NotInThisState(kind="payment request", state=self.state, action=action)
