"""Asking for access and answering (S3-06 to S3-09)."""

from __future__ import annotations

from typing import Any

from services.messaging import policies
from services.messaging.access import need_thread, standing
from services.messaging.model import Thread
from services.messaging.opening import queries
from services.messaging.opening.model import AccessRequest
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context

ASKERS = frozenset({"seller", "integrator", "coordinator", "platform_agent"})
EXPIRE = "access.expire"


def request_access(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """S3-06: the seller, or the staff, asks; nothing is shared by asking."""
    if ctx.principal.role not in ASKERS:
        raise Forbidden()
    thread, _ = need_thread(ctx, args)
    thread.admit(policies.author_of(ctx.principal)[0])
    asked_by = policies.author_of(ctx.principal)
    request = AccessRequest(
        id=ctx.new_id("acc"),
        tenant=ctx.tenant,
        thread_id=thread.id,
        claim_id=thread.claim_id,
        order_id=thread.order_id,
        seller_id=thread.seller_id,
        customer_ref=thread.customer_ref,
        kind=args["kind"],
        permissions=sorted(set(args["permissions"])),
        purpose=args["purpose"],
        until=args["until"],
        asked_by_type=asked_by[0],
        asked_by_id=asked_by[1],
        asked_at=ctx.now,
    )
    request.ask(stamp(request.until))
    ctx.schedule(EXPIRE, request.id, request.until)
    ctx.save(request)
    if not thread.access_asked:
        thread.access_asked = True
        ctx.save(thread)
    return access_view(request, ctx.principal)


def grant_access(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The customer says yes, and opens it himself: on his shop, never by sending a secret here."""
    return _decided(ctx, args, "granted")


def decline_access(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The customer says no: his claim goes on as before (S3-06)."""
    return _decided(ctx, args, "declined")


def revoke_access(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The customer takes it back, or the side that asked no longer needs it."""
    return _decided(ctx, args, "revoked")


def expire_access(ctx: Context, timer: Any) -> None:
    request = ctx.need(AccessRequest, timer.ref)
    if request.state in ("requested", "granted"):
        request.decide("expired", ("system", "system"), stamp(request.until), ctx.now)
        ctx.save(request)


def list_access(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The requests on a thread, oldest first: for the customer, and for insiders."""
    thread = ctx.get(Thread, args["thread_id"])
    role = standing(ctx, thread) if thread is not None else None
    if role is None or (role == "outsider" and ctx.principal.role != "customer"):
        raise NotFound(kind="thread", id=args["thread_id"])
    found, more = queries.requests_on(ctx, args)
    items = [access_view(request, ctx.principal) for request in found]
    return {"items": items, "next_cursor": items[-1]["id"] if more else None}


def _decided(ctx: Context, args: dict[str, Any], state: str) -> dict[str, Any]:
    request = ctx.get(AccessRequest, args["request_id"])
    role = standing(ctx, ctx.need(Thread, request.thread_id)) if request is not None else None
    if request is None or role is None:
        raise NotFound(kind="access request", id=args["request_id"])
    ctx.check_version(request)
    if not _may(ctx.principal, request, state):
        raise Forbidden()
    request.decide(state, policies.author_of(ctx.principal), stamp(request.until), ctx.now)
    if state != "granted":
        ctx.unschedule(EXPIRE, request.id)
    ctx.save(request)
    return access_view(request, ctx.principal)


def _may(principal: Principal, request: AccessRequest, state: str) -> bool:
    if principal.role == "customer":
        return principal.party == request.customer_ref
    return state == "revoked" and policies.author_of(principal) == request.asked_by


def access_view(request: AccessRequest, principal: Principal) -> dict[str, Any]:
    open_states = {"granted": ("requested",), "declined": ("requested",), "revoked": ("requested", "granted")}
    names = {"granted": "access.grant", "declined": "access.decline", "revoked": "access.revoke"}
    return {
        "id": request.id,
        "thread_id": request.thread_id,
        "claim_id": request.claim_id,
        "kind": request.kind,
        "permissions": request.permissions,
        "purpose": request.purpose,
        "until": stamp(request.until),
        "state": request.state,
        "asked_by": {"type": request.asked_by_type, "id": request.asked_by_id},
        "asked_at": stamp(request.asked_at),
        "decided_at": stamp(request.decided_at) if request.decided_at else None,
        "version": request.version,
        "allowed_actions": [
            names[state]
            for state, before in open_states.items()
            if request.state in before and _may(principal, request, state)
        ],
    }
