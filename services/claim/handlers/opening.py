"""CLM-01: opening a claim about an order, an offer, or the site."""

from __future__ import annotations

from typing import Any

from services.claim.handlers.entitled import must_be_entitled
from services.claim.handlers.modules import module_of
from services.claim.handlers.observing import seat
from services.claim.handlers.sla import follow, promise
from services.claim.model import (
    Asking,
    Claim,
    Complaint,
    DeskModule,
    Offer,
    OrderCase,
    Subject,
    of_offer,
    of_site,
    open_about,
    open_claim,
)
from services.claim.model.refusals import ModuleNotEnabled, OfferNotAvailable, OrderNotSynced, ReasonNotAvailable
from services.claim.policies import WITHDRAWAL, Profile
from services.claim.profiles.activation import active_profile
from services.claim.queries import offer_of_product
from services.claim.score.handlers import wake
from services.claim.views import claim_view
from shared.kernel.errors import Forbidden
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context

SITE_PROFILE = "coordinated"  # of requests that name neither order nor offer, where the marketplace names none


def open_a_claim(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """CLM-01, S0-03, S2-01: by the profile of the order's marketplace; S0-01 by the offer's; S1-01 by the site's."""
    if args.get("reason_code") == WITHDRAWAL.code:
        raise ReasonNotAvailable(reason_code=WITHDRAWAL.code, order_phase=None)  # has two steps of its own
    complaint = _complaint(ctx, args)
    if "order_id" in args:
        return _on_order(ctx, args["order_id"], complaint, args.get("url"))
    if "offer_id" in args:
        return _on_offer(ctx, args["offer_id"], complaint)
    return _on_site(ctx, args["marketplace"], complaint)


def _complaint(ctx: Context, args: dict[str, Any]) -> Complaint:
    return Complaint(
        claim_id=ctx.new_id("clm"),
        message_id=ctx.new_id("msg"),
        reason_code=args.get("reason_code"),
        text=args["text"],
        title=args.get("title"),
        lines=tuple(args["lines"]),
        photos=tuple(args["photos"]),
        category=args.get("category"),
        product_id=args.get("product_id"),
        delivery_id=args.get("delivery_id"),
    )


def _on_order(ctx: Context, order_id: str, complaint: Complaint, url: str | None) -> dict[str, Any]:
    case = ctx.get(OrderCase, order_id)
    if case is None:
        raise OrderNotSynced(order_id=order_id)
    _may_open_on(ctx.principal, case)
    return claim_on(ctx, case, complaint, ctx.principal, url)


def claim_on(
    ctx: Context, case: OrderCase, complaint: Complaint, who: Principal, url: str | None = None
) -> dict[str, Any]:
    """A claim of this person on the order, stored; answers the view."""
    profile, module = _profile(ctx, case.marketplace, case.profile)
    asking = Asking(who, ctx.now, case.phase, case.cleared)
    must_be_entitled(ctx, profile, case, complaint, url)
    claim = open_claim(asking, profile, case, complaint, module)
    keep_opened(ctx, claim)
    case.note(claim)
    ctx.save(case)
    return claim_view(claim, asking)


def _may_open_on(who: Principal, case: OrderCase) -> None:
    """One's own order, or staff on behalf; somebody else's is answered like one that is not known (yet) (T01)."""
    own = (who.role == "customer" and who.party == case.customer_ref) or who.acts_for_seller(case.seller_id)
    if not own and not who.is_staff:
        raise OrderNotSynced(order_id=case.id)


def _on_offer(ctx: Context, offer_id: str, complaint: Complaint) -> dict[str, Any]:
    """S0-01: a customer asks before he buys; the question is the seller's to answer (A27)."""
    offer = ctx.get(Offer, Offer.id_for(ctx.tenant, offer_id))
    if offer is None or not offer.published:
        raise OfferNotAvailable(offer_id=offer_id)
    subject = of_offer(offer, _customer(ctx.principal), complaint.claim_id)
    complaint = _with(complaint, complaint.category or "offer_question", offer.product_id)
    return _without_order(ctx, subject, offer.profile, complaint)


def _on_site(ctx: Context, marketplace: str, complaint: Complaint) -> dict[str, Any]:
    """S1-01, S1-03: a request in the customer's own space. Off unless this marketplace switched it on (S1-02)."""
    customer = _customer(ctx.principal)
    if module_of(ctx, marketplace, SITE_PROFILE) is None:
        raise ModuleNotEnabled(profile=SITE_PROFILE)
    product = offer_of_product(ctx, marketplace, complaint.product_id) if complaint.product_id else None
    subject = of_site(ctx.tenant, marketplace, customer, complaint.claim_id, product)
    return _without_order(ctx, subject, SITE_PROFILE, _with(complaint, complaint.category or "contact", None))


def _customer(who: Principal) -> str:
    """Only a signed-in customer asks for himself (S1-03); without an order nobody can be asked on behalf of."""
    if who.role != "customer" or who.party is None:
        raise Forbidden(action="open")
    return who.party


def _with(complaint: Complaint, category: str, product_id: str | None) -> Complaint:
    known = {name: getattr(complaint, name) for name in Complaint.__dataclass_fields__}
    return Complaint(**known | {"category": category, "product_id": product_id or complaint.product_id})


def _without_order(ctx: Context, subject: Subject, code: str, complaint: Complaint) -> dict[str, Any]:
    profile, module = _profile(ctx, subject.marketplace, code)
    asking = Asking(ctx.principal, ctx.now)
    claim = open_about(asking, profile, subject, complaint, module)
    keep_opened(ctx, claim)
    return claim_view(claim, asking)


def _profile(ctx: Context, marketplace: str, code: str) -> tuple[Profile, DeskModule | None]:
    profile = active_profile(ctx, code)
    if profile is None:
        raise ModuleNotEnabled(profile=code)
    return profile, module_of(ctx, marketplace, code)


def keep_opened(ctx: Context, claim: Claim) -> None:
    """Store a claim that was opened, with who sits on it, its clocks and what is promised."""
    for observer in claim.observers:
        seat(ctx, claim, observer["kind"], observer["id"], active=True)
    promise(ctx, claim)
    wake(ctx, claim)
    follow(ctx, claim)
    ctx.save(claim)
