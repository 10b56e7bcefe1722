"""Paying through a link: calls to the provider outside any transaction, and what its answers mean (PAY-03 to PAY-05).

One attempt at a time, and a link is given back only when its provider has said that nobody can pay it any more:
so it is paid at most once (I9), whoever clicks when.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from services.order.adapters.stripe import SESSIONS, standing_of, verified
from services.order.marketplaces import rules_of
from services.order.model import Order
from services.order.paying import queries
from services.order.paying.model import SILENCE, PaymentRequest, WebhookRefused
from services.order.ports import Bill, Ports, Standing
from shared.kernel.clock import moment, stamp
from shared.ops.seals import unseal
from shared.runtime.jobs import JobRun
from shared.runtime.unit_of_work import Context

EXPIRY = "payment_request_expiry"
RETURN = "payment return"  # what an address is sealed for on its way to the provider
REOPEN_AFTER = timedelta(seconds=5)
# How long after the start the provider is asked by itself: webhooks are faster, and sometimes do not come at all.
ASK_AFTER = tuple(timedelta(seconds=s) for s in (10, 15, 30, 60, 120, 300, 600, 600))
ASK_LATER = timedelta(minutes=10)
TITLES = {"fr": "Commande {number}", "en": "Order {number}"}


class AmountDiffers(RuntimeError):
    """The provider took another amount than the link asks for: somebody has to look at it."""


def save_request(ctx: Context, request: PaymentRequest, order: Order) -> None:
    """The request, and what its order says of it: its id and state while it is open."""
    order.note_request(request.id, request.state)
    order.updated_at = ctx.now
    ctx.save(request)
    ctx.save(order)


def open_at_provider(ctx: Context, request: PaymentRequest, return_to: str) -> None:
    """Ask the provider for a page after this commits, under the attempt's key."""
    title = TITLES.get(request.locale, TITLES["en"]).format(number=request.order_number)
    payload = {
        "request_id": request.id,
        "provider": request.provider,
        "amount": request.amount,
        "currency": request.currency,
        "title": f"{title} · {request.purpose}" if request.purpose else title,
        "locale": request.locale,
        "return_to": return_to,
    }
    ctx.job("open_payment", request.key, payload)


def open_page(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """The provider's page for this attempt; the same key is the same page, however often this runs."""
    back = unseal(ports.link_secret, RETURN, payload["return_to"]).decode()
    bill = Bill(payload["amount"], payload["currency"], payload["title"], payload["locale"], back)
    return ports.tills[payload["provider"]].open(bill, key).data()


def settle_opening(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> timedelta | None:
    """The page is there, refused, or nobody knows: then it is asked for again. No payer has seen it before this."""
    request = _current(ctx, job)
    if request is None:
        return None
    standing = Standing(**outcome)
    if standing.status == "unknown":
        if request.started_at is None or ctx.now - request.started_at < SILENCE:
            return REOPEN_AFTER * 2 ** min(job.attempts, 6)
        standing = Standing("refused", code="provider_silent")
    if standing.status == "refused":
        _give_back(ctx, request, standing.code)
        return None
    request.opened(standing.ref, standing.url)
    ctx.save(request)
    ctx.job("follow_payment", job.key, followed(request), ctx.now + ASK_AFTER[0])
    return None


def followed(request: PaymentRequest, close: bool = False) -> dict[str, Any]:
    """The payload of asking the provider what became of the attempt; close: and of ending it."""
    return {
        "request_id": request.id,
        "provider": request.provider,
        "ref": request.provider_ref,
        "since": stamp(request.started_at) if request.started_at else None,
        "close": close,
    }


def follow(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """What became of it. After 30 minutes of silence, or when the payer wants another way, it is ended (PAY-05)."""
    till = ports.tills[payload["provider"]]
    standing = till.look(payload["ref"], key)
    silent = ports.clock.now() - moment(payload["since"]) >= SILENCE
    if standing.status == "open" and (silent or payload["close"]):
        standing = till.close(payload["ref"], key)
    return standing.data()


def settle_following(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> timedelta | None:
    """Paid, over, or asked again later: unknown is never taken for over."""
    request = _current(ctx, job)
    if request is None:
        return None
    standing = Standing(**outcome)
    if _decided(ctx, request, job.key, standing):
        return None
    if job.payload["close"]:
        return ASK_AFTER[0]
    return ASK_AFTER[job.attempts + 1] if job.attempts + 1 < len(ASK_AFTER) else ASK_LATER


def _current(ctx: Context, job: JobRun) -> PaymentRequest | None:
    """The request, while the job's attempt is the one under way."""
    request = ctx.need(PaymentRequest, job.payload["request_id"])
    return request if request.state == "paying" and request.key == job.key else None


def _decided(ctx: Context, request: PaymentRequest, key: str, standing: Standing) -> bool:
    """Store what the provider said of this attempt; False while it is open, or nobody knows."""
    if standing.status == "paid":
        _complete(ctx, request, key, standing)
    elif standing.status in ("closed", "refused"):
        if request.state == "paying" and request.key == key:
            _give_back(ctx, request, "ended_by_payer" if request.closing else standing.code)
    else:
        return False
    return True


def _complete(ctx: Context, request: PaymentRequest, key: str, standing: Standing) -> None:
    """PAY-04: the link is used, and the order has the money, in one transaction. Raises AmountDiffers.

    Money that came in after the link ended, or twice, is booked on the order all the same: it can only be refunded
    where it is known.
    """
    if (standing.amount, standing.currency) != (request.amount, request.currency):
        raise AmountDiffers(f"{key}: {standing.amount} {standing.currency}")
    from services.order.handlers.placing import capture  # late: the handlers import what stands here

    provider = request.provider or "stripe"
    order = ctx.need(Order, request.order_id)
    order.rules = rules_of(ctx, order.marketplace)
    capture(
        ctx,
        order,
        {
            "payment_id": key,
            "provider": provider,
            "provider_ref": standing.payment_ref,
            "amount": order.money(request.amount),
            "instrument": "paypal" if provider == "paypal" else "original",
        },
        by_link=True,
    )
    if request.state == "paid":
        ctx.save(order)
        return
    request.pay(provider, key, ctx.now)
    save_request(ctx, request, order)
    ctx.unschedule(EXPIRY, request.id)


def _give_back(ctx: Context, request: PaymentRequest, code: str | None) -> None:
    request.give_back(code or "not_paid", ctx.now)
    if request.state == "expired":
        end(ctx, request)
    else:
        save_request(ctx, request, ctx.need(Order, request.order_id))


def end(ctx: Context, request: PaymentRequest) -> None:
    """The link is over. What was added for it and never paid leaves with its expiry: the order is as before."""
    order = ctx.need(Order, request.order_id)
    order.rules = rules_of(ctx, order.marketplace)
    if request.state == "expired":
        for line in [line for line in order.lines if line.unpaid]:
            order.withdraw_line(line.line_id)
    save_request(ctx, request, order)
    ctx.unschedule(EXPIRY, request.id)


# what providers tell by themselves


def hear_provider(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A webhook. Stripe's is verified over its raw body; PayPal's is a hint, and what it says is asked at PayPal."""
    if args["provider"] == "stripe":
        _hear_stripe(ctx, args)
    else:
        _hear_paypal(ctx, args)
    return {"received": True}


def _hear_stripe(ctx: Context, args: dict[str, Any]) -> None:
    secret = ctx.settings.stripe_payments_webhook_secret or ctx.settings.stripe_webhook_secret
    event = verified(args["headers"], args["body"], secret)
    if event["type"] not in SESSIONS:
        return
    session = event["object"]
    key = session.get("client_reference_id") or ""
    request = queries.by_attempt(ctx, key)
    if request is not None and session["currency"]:
        _decided(ctx, request, key, standing_of(session))


def _hear_paypal(ctx: Context, args: dict[str, Any]) -> None:
    """PayPal's signature can only be verified by asking PayPal: so it is asked for the payment itself instead."""
    try:
        resource = orjson.loads(args["body"])["resource"]
        units = resource.get("purchase_units") or [resource]
        key = units[0].get("custom_id") or ""
        request = queries.by_attempt(ctx, key)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise WebhookRefused(provider="paypal") from None
    if request is not None and request.state == "paying" and request.key == key and request.provider_ref:
        ctx.job("follow_payment", key, followed(request))
