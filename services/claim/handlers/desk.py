"""The desk: many claims at once, ratings, offers that can be asked about, and who works here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import ValidationError

from services.claim.handlers import commands as do
from services.claim.handlers import observing
from services.claim.handlers.deciding import change, keep
from services.claim.model import Colleague, Offer
from shared.contracts import claim as contracts
from shared.contracts.registry import Operation
from shared.kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from shared.runtime.unit_of_work import Context

View = dict[str, Any]

_BULK: dict[str, tuple[Operation, Callable[[Context, View], View]]] = {
    "add_observer": (contracts.ADD_OBSERVER, observing.add_observer),
    "assign": (contracts.ASSIGN, do.assign),
    "close": (contracts.CLOSE, do.close),
    "escalate": (contracts.ESCALATE, do.escalate),
    "remove_observer": (contracts.REMOVE_OBSERVER, observing.remove_observer),
    "reopen": (contracts.REOPEN, do.reopen),
    "resolve": (contracts.RESOLVE, do.resolve),
    "set_awaiting": (contracts.SET_AWAITING, do.set_awaiting),
    "set_state": (contracts.SET_STATE, do.set_state),
    "start": (contracts.START, do.start),
}


def bulk(ctx: Context, args: View) -> View:
    """B12, I17: each claim by itself, as a single call would: DONE with its new version, or the refusal's code."""
    operation, handler = _BULK[args["action"]]
    try:
        given = operation.schema.load({**args["args"], "claim_id": args["claim_ids"][0]})
    except ValidationError as wrong:
        raise InvalidInput(fields={"args": wrong.normalized_messages()}) from None
    return {"results": [_one(ctx, handler, {**given, "claim_id": id}) for id in args["claim_ids"]]}


def _one(ctx: Context, handler: Callable[[Context, View], View], args: View) -> View:
    try:
        view = handler(ctx, args)
    except Refusal as refusal:
        return {"claim_id": args["claim_id"], "result": refusal.code, "message": refusal.sentence}
    return {"claim_id": args["claim_id"], "result": "DONE", "version": view["version"]}


def rate(ctx: Context, args: View) -> View:
    """B24."""
    at = change(ctx, args["claim_id"], "rate")
    at.claim.rate(at.asking, args["score"], args.get("comment"))
    return keep(ctx, at)


# offers

_TELLING = frozenset({"seller", "integrator", "platform_agent"})


def record_offer(ctx: Context, args: View) -> View:
    """S0-01: what can be asked about before it is bought; told by its seller, an integrator or the platform."""
    who = ctx.principal
    if who.role not in _TELLING:
        raise Forbidden(action="offer.record")
    if who.role != "platform_agent" and who.party is not None and who.party != args["seller_id"]:
        raise Forbidden(action="offer.record")
    id = Offer.id_for(ctx.tenant, args["offer_id"])
    known = ctx.get(Offer, id)
    if known and not _tells(ctx, known):
        raise NotFound(kind="offer", id=args["offer_id"])
    offer = Offer(
        tenant=ctx.tenant,
        id=id,
        version=known.version if known else 0,
        seq=known.seq if known else 0,
        **args,
    )
    if known != offer:
        offer.recorded()
        ctx.save(offer)
    return offer_view(offer)


def _tells(ctx: Context, offer: Offer) -> bool:
    who = ctx.principal
    return who.role == "platform_agent" or who.party in (None, offer.seller_id)


def get_offer(ctx: Context, args: View) -> View:
    """What is on sale is no secret within the shop; what was withdrawn only its seller and staff still see."""
    offer = ctx.get(Offer, Offer.id_for(ctx.tenant, args["offer_id"]))
    who = ctx.principal
    inside = who.is_staff or (who.role in ("seller", "integrator") and offer is not None and _tells(ctx, offer))
    if offer is None or not (offer.published or inside):
        raise NotFound(kind="offer", id=args["offer_id"])
    return offer_view(offer)


def offer_view(offer: Offer) -> View:
    return {
        "id": offer.offer_id,
        "version": offer.version,
        "seller_id": offer.seller_id,
        "product_id": offer.product_id,
        "marketplace": offer.marketplace,
        "title": offer.title,
        "published": offer.published,
        "no_withdrawal": offer.no_withdrawal,
        "allowed_actions": ["claim.open"] if offer.published else [],
    }


# who works here


def remember_colleague(ctx: Context, event: Any) -> None:
    """CLM-22: a coordinator or platform agent became reachable, so that claims can be assigned to him."""
    id = Colleague.id_for(ctx.tenant, event.data["ref"])
    if ctx.get(Colleague, id) is None:
        ctx.save(Colleague(id=id, tenant=ctx.tenant, party=event.data["party"]))
