"""The read side of payment requests. By its link a request is found across tenants: the token is the only right."""

from __future__ import annotations

import hmac
from typing import Any

import sqlalchemy as sa

from services.order import queries as orders
from services.order.invoicing.model import Identity
from services.order.invoicing.queries import identity_id
from services.order.model import Order
from services.order.paying.model import PaymentRequest
from services.order.paying.views import payable_view, request_view
from services.order.storage import STORAGE
from shared.kernel.errors import NotFound
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

MAPPING = STORAGE.mappings[PaymentRequest]
requests = MAPPING.table


def get_request(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """One request as the caller may see it; a foreign one is not found."""
    return request_view(seen(ctx, args["request_id"]), ctx.principal, ctx.now)


def seen(ctx: Context, request_id: str) -> PaymentRequest:
    request = ctx.need(PaymentRequest, request_id)
    order = ctx.need(Order, request.order_id)
    if ctx.principal.role == "supplier" or not orders.visible(ctx.principal, order):
        raise NotFound(kind="payment request", id=request_id)
    return request


def list_requests(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The requests of one order, newest first."""
    order = ctx.need(Order, args["order_id"])
    if ctx.principal.role == "supplier" or not orders.visible(ctx.principal, order):
        raise NotFound(kind="order", id=args["order_id"])
    return page(
        ctx.connection,
        MAPPING.select().where(requests.c.tenant == ctx.tenant, requests.c.order_id == order.id),
        requests.c.issued_at,
        requests.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: request_view(MAPPING.from_row(dict(row)), ctx.principal, ctx.now),
    )


def look(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """PAY-02: what the payer sees. Looking is not use."""
    request = by_link(ctx, args["token_hash"])
    identity = ctx.get(Identity, identity_id(request.tenant, request.seller_id))
    zone = ctx.settings.zone(ctx.need(Order, request.order_id).marketplace)
    return {**payable_view(request, identity, ctx.now), "time_zone": zone.key}


def by_link(ctx: Context, token_hash: str) -> PaymentRequest:
    """The request of this link; from here on its tenant is acted in. Raises NotFound.

    Found by the hash of the token: how long that takes says nothing about a token that nobody has (T22).
    """
    statement = sa.select(requests.c.id, requests.c.tenant, requests.c.token_hash).where(
        requests.c.token_hash == token_hash
    )
    row = ctx.connection.execute(statement).first()
    if row is None or not hmac.compare_digest(row.token_hash, token_hash):
        raise NotFound(kind="payment link")
    ctx.principal = system(row.tenant, via="link")
    return ctx.need(PaymentRequest, row.id)


def by_attempt(ctx: Context, key: str) -> PaymentRequest | None:
    """The request whose attempt a provider names; from here on its tenant is acted in. None: none of ours."""
    request_id = key.rpartition(".")[0]
    statement = sa.select(requests.c.tenant).where(requests.c.id == request_id)
    row = ctx.connection.execute(statement).first()
    if row is None:
        return None
    ctx.principal = system(row.tenant, via="webhook")
    return ctx.need(PaymentRequest, request_id)
