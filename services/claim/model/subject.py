"""What a claim is about: an order, an offer before anything is bought (S0-01), or the site itself (S1-01)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.claim.model.offer import Offer
from services.claim.model.order_case import OrderCase


@dataclass(frozen=True, slots=True)
class Subject:
    """What a new claim takes over from it. lines, total: of the order, for what is disputed; zero without one.

    main_supplier: of the product that is named, as it is now; later changes do not move old claims (A7).
    """

    tenant: str
    marketplace: str
    customer_ref: str
    number: str
    seller_id: str | None = None
    currency: str = "EUR"
    order: OrderCase | None = None
    offer_id: str | None = None
    product_id: str | None = None
    main_supplier: str | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0

    @property
    def phase(self) -> str | None:
        return self.order.phase if self.order else None

    @property
    def cleared(self) -> bool:
        """The settlement was cleared, or there is none: nothing to hold."""
        return self.order is None or self.order.cleared


def of_order(case: OrderCase) -> Subject:
    return Subject(
        tenant=case.tenant,
        marketplace=case.marketplace,
        customer_ref=case.customer_ref,
        number=f"{case.number}-C{case.claims_ever + 1}",
        seller_id=case.seller_id,
        currency=case.currency,
        order=case,
        lines=case.lines,
        total=case.total,
    )


def of_offer(offer: Offer, customer_ref: str, claim_id: str) -> Subject:
    return Subject(
        tenant=offer.tenant,
        marketplace=offer.marketplace,
        customer_ref=customer_ref,
        number=number_without_order(claim_id),
        seller_id=offer.seller_id,
        offer_id=offer.offer_id,
        product_id=offer.product_id,
        main_supplier=offer.supplier_id,
    )


def of_site(tenant: str, marketplace: str, customer_ref: str, claim_id: str, product: Offer | None = None) -> Subject:
    """product: an offer of the product that the customer names, if any is known."""
    return Subject(
        tenant=tenant,
        marketplace=marketplace,
        customer_ref=customer_ref,
        number=number_without_order(claim_id),
        offer_id=None,
        product_id=product.product_id if product else None,
        main_supplier=product.supplier_id if product else None,
    )


def number_without_order(claim_id: str) -> str:
    """`Q-` and the random end of the claim's id: unique, short enough to be read out."""
    return f"Q-{claim_id[-10:]}"
