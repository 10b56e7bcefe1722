"""What the order service does about payment links: giving them out, paying through them, ending them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from services.order import queries as orders
from services.order.model import Order, WrongCurrency
from services.order.paying import queries
from services.order.paying.model import (
    LinkOver,
    LinksNotConfigured,
    MoreThanDue,
    NothingDue,
    PaymentLink,
    PaymentRequest,
    RequestOpen,
)
from services.order.paying.payments import (
    EXPIRY,
    RETURN,
    end,
    follow,
    followed,
    hear_provider,
    open_at_provider,
    open_page,
    save_request,
    settle_following,
    settle_opening,
)
from services.order.paying.views import payable_view, request_view
from services.order.policies import PHASES, may
from shared.contracts import paying as contracts
from shared.kernel.errors import Forbidden, InvalidInput, NotFound, NotInThisState
from shared.ops.seals import SealBroken, seal, unseal
from shared.runtime.tables import Command, Job, Query
from shared.runtime.unit_of_work import Context

TOKEN = "payment link"  # what a token is sealed for on its way to the customer


def issue_request(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """PAY-01, S4-05, S4-06: a link of 256 random bits. Only its hash is kept; it leaves sealed, for the mail alone."""
    order = ctx.need(Order, args["order_id"])
    if not orders.visible(ctx.principal, order):
        raise NotFound(kind="order", id=order.id)
    if not may(ctx.principal, "request_payment", order.seller_id):
        raise Forbidden(action="payment_request.issue")
    ctx.check_version(order)
    amount = _amount(order, args)
    if not ctx.settings.link_secret and ctx.settings.production:
        raise LinksNotConfigured()
    token = secrets.token_hex(32)
    request = PaymentRequest(
        id=ctx.new_id("prq"),
        tenant=ctx.tenant,
        order_id=order.id,
        order_number=order.number,
        seller_id=order.seller_id,
        customer_ref=order.customer_ref,
        currency=order.currency,
        amount=amount,
        purpose=args.get("purpose"),
        locale=order.customer.get("locale", "en"),
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
        issued_at=ctx.now,
        expires_at=ctx.now + timedelta(days=args["days"]),
    )
    request.issue()
    link = PaymentLink(id=request.id, tenant=ctx.tenant, order_id=order.id)
    link.issued(request, seal(ctx.settings.link_secret, TOKEN, token.encode()))
    save_request(ctx, request, order)
    ctx.save(link)
    ctx.schedule(EXPIRY, request.id, request.expires_at)
    return request_view(request, ctx.principal, ctx.now)


def _amount(order: Order, args: dict[str, Any]) -> int:
    """What to ask for. Raises NothingDue, MoreThanDue, RequestOpen, WrongCurrency, NotInThisState."""
    if order.phase not in PHASES["request_payment"]:
        raise NotInThisState(kind="order", state=order.phase, action="request payment")
    if order.payment_request:
        raise RequestOpen(request_id=order.payment_request["id"])
    due = order.amount_due
    if not due:
        raise NothingDue()
    wanted = args.get("amount") or order.money(due)
    if wanted["currency"] != order.currency:
        raise WrongCurrency(currency=order.currency)
    if wanted["amount"] > due:
        raise MoreThanDue(due=due, currency=order.currency)
    return wanted["amount"]


def revoke_request(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """PAY-06."""
    request = queries.seen(ctx, args["request_id"])
    if not may(ctx.principal, "request_payment", request.seller_id):
        raise Forbidden(action="payment_request.revoke")
    ctx.check_version(request)
    request.revoke()
    end(ctx, request)
    return request_view(request, ctx.principal, ctx.now)


def revoke_open(ctx: Context, order: Order) -> None:
    """An order that is cancelled asks for no money any more. The caller saves the order."""
    if order.payment_request and (request := ctx.get(PaymentRequest, order.payment_request["id"])):
        request.revoke()
        order.payment_request = None
        ctx.save(request)
        ctx.unschedule(EXPIRY, request.id)


def start_payment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """PAY-03: one attempt, however many ask for it at once; the others are led to the same page."""
    request = queries.by_link(ctx, args["token_hash"])
    order = ctx.need(Order, request.order_id)
    if request.state_at(ctx.now) == "issued" and order.amount_due < request.amount:
        raise LinkOver(state="paid")  # by other means, since it was issued
    if request.start(args["provider"], ctx.now):
        try:
            unseal(ctx.settings.link_secret, RETURN, args["return_to"])
        except SealBroken:
            raise InvalidInput(fields={"return_to": ["Not sealed by the gateway."]}) from None
        save_request(ctx, request, order)
        open_at_provider(ctx, request, args["return_to"])
    return payable_view(request, None, ctx.now)


def restart_payment(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The payer wants another way to pay: the attempt under way is ended at the provider first (I9)."""
    request = queries.by_link(ctx, args["token_hash"])
    if request.restart(ctx.now):
        ctx.save(request)
        ctx.job("follow_payment", request.key, followed(request, close=True))
    return payable_view(request, None, ctx.now)


def expire_request(ctx: Context, timer: Any) -> None:
    """PAY-06. A payment that is under way at the end may still succeed: the link ends with the attempt then."""
    request = ctx.need(PaymentRequest, timer.ref)
    if request.state == "issued":
        request.expire()
        end(ctx, request)


COMMANDS = (
    Command(contracts.ISSUE, issue_request),
    Command(contracts.REVOKE, revoke_request),
    Command(contracts.START, start_payment),
    Command(contracts.RESTART, restart_payment),
    Command(contracts.PROVIDER_EVENT, hear_provider),
)
QUERIES = (
    Query(contracts.GET, queries.get_request),
    Query(contracts.LIST, queries.list_requests),
    Query(contracts.LOOK, queries.look),
)
TIMERS = {EXPIRY: expire_request}
JOBS = {
    "open_payment": Job(open_page, settle_opening),
    "follow_payment": Job(follow, settle_following),
}
