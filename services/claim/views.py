"""What each audience gets to see of a claim: built field by field, never by dumping the model (T08)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.claim.model import Asking, Claim
from services.claim.policies import Profile, Reason
from shared.kernel.clock import stamp


def _when(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def claim_view(claim: Claim, asking: Asking) -> dict[str, Any]:
    """The claim as the asker may see it, with what he may do now. Nobody but the team on it sees observers."""
    actions, resolutions = claim.allowed(asking)
    view = {
        "id": claim.id,
        "version": claim.version,
        "number": claim.number,
        "category": claim.category,
        "profile": claim.profile.code,
        "profile_version": claim.profile.version,
        "marketplace": claim.marketplace,
        "order_id": claim.order_id,
        "order_number": claim.order_number,
        "seller_id": claim.seller_id,
        "customer_ref": claim.customer_ref,
        "state": claim.state,
        "label": claim.profile.state_labels[claim.state],
        "state_since": stamp(claim.state_since),
        "title": claim.title,
        "description": claim.description,
        "reason": {"code": claim.reason_code, "label": claim.reason.labels},
        "lines": claim.lines,
        "photos": claim.photos,
        "handler": {"code": claim.handler, "label": _handler_label(claim)},
        "product_id": claim.product_id,
        "offer_id": claim.offer_id,
        "delivery_id": claim.delivery_id,
        "links": _links(claim),
        "rating": claim.rating,
        "awaiting": _awaiting(claim, asking),
        "attention": claim.attention(asking.who),
        "resolution": claim.resolution,
        "merged_into": claim.merged_into,
        "opened_at": stamp(claim.opened_at),
        "updated_at": stamp(claim.updated_at),
        "allowed_actions": actions,
        "allowed_resolutions": resolutions,
    }
    if asking.who.role != "customer":
        view |= _inside(claim)
    return view


COORDINATORS_LABEL = {"fr": "Traité par les coordinateurs", "en": "Handled by the coordinators"}


def _handler_label(claim: Claim) -> dict[str, str]:
    """A profile without coordinators may still meet a question that nobody sells the answer to."""
    return claim.profile.handler_labels.get(claim.handler, COORDINATORS_LABEL)


def _links(claim: Claim) -> dict[str, str | None]:
    """S1-20: where the linked order, delivery and product are, ready to be followed."""
    order = f"/v1/orders/{claim.order_id}" if claim.order_id else None
    product = f"{order}/products/{claim.product_id}" if order and claim.product_id else None
    return {
        "order": order,
        "delivery": f"{order}/deliveries/{claim.delivery_id}" if order and claim.delivery_id else None,
        "product": product or (f"/v1/offers/{claim.offer_id}" if claim.offer_id else None),
    }


def _awaiting(claim: Claim, asking: Asking) -> dict[str, Any] | None:
    """Whose turn it is. That an observer was asked is none of the customer's business: to him it is the handler's."""
    if claim.awaiting is None:
        return None
    party = awaited_by(asking.who.role, claim.awaiting, claim.handler)
    return {
        "party": party,
        "since": _when(claim.awaiting_since),
        "manual": claim.awaiting_manual and party == claim.awaiting,
    }


def awaited_by(role: str, party: str | None, handler: str) -> str | None:
    """The awaited party as this role may know it."""
    asked_inside = role == "customer" and party is not None and ":" in party
    return handler if asked_inside else party


def _inside(claim: Claim) -> dict[str, Any]:
    return {
        "requester": {"ref": claim.customer_ref, "name": claim.requester_name},
        "assignee": claim.assignee,
        "observers": claim.observers,
        "holds_settlement": claim.holds,
        "disputed_amount": {"amount": claim.disputed, "currency": claim.currency},
        "appealed": claim.appealed,
    }


def issue_view(claim: Claim) -> dict[str, Any]:
    """A line of the order list's issue column (S2-06)."""
    return {
        "claim_id": claim.id,
        "number": claim.number,
        "state": claim.state,
        "label": claim.profile.state_labels[claim.state],
        "handler": {"code": claim.handler, "label": _handler_label(claim)},
        "open": claim.is_open,
    }


def profile_view(profile: Profile) -> dict[str, Any]:
    """What a client needs to offer a form: reasons, resolutions and labels in French and English."""
    return {
        "code": profile.code,
        "version": profile.version,
        "names": profile.names,
        "category": profile.category,
        "who_may_open": sorted(profile.who_may_open),
        "resolutions": list(profile.resolutions),
        "requester_confirms": profile.requester_confirms,
        "platform_arbitration": profile.platform_arbitration,
        "reopen_window_days": profile.reopen_window_days,
        "reasons": [reason_view(reason) for reason in profile.reasons.values()],
        "state_labels": profile.state_labels,
        "handler_labels": profile.handler_labels,
    }


def reason_view(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "labels": reason.labels,
        "handler": reason.handler,
        "order_phases": sorted(reason.phases),
    }
