"""What the claim service knows of an offer and of the people of the desk: copies, told by those who own them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class Offer(Aggregate):
    """An offer that customers can ask about before they buy (S0-01). supplier_id: its main supplier (A7).

    offer_id: what its tenant calls it; another may call one of his the same (T10).
    no_withdrawal: why its product cannot be withdrawn from (2011/83 article 16), where it cannot."""

    stream = "offer"

    offer_id: str
    seller_id: str
    product_id: str
    marketplace: str
    title: str
    supplier_id: str | None
    profile: str
    published: bool
    no_withdrawal: str | None = None

    def recorded(self) -> None:
        self.record(
            "offer.recorded",
            offer_id=self.offer_id,
            seller_id=self.seller_id,
            product_id=self.product_id,
            published=self.published,
        )

    @staticmethod
    def id_for(tenant: str, offer_id: str) -> str:
        return "off_" + sha256(f"{tenant}\n{offer_id}".encode()).hexdigest()[:32]


@dataclass(kw_only=True)
class Colleague(Aggregate):
    """A coordinator or platform agent whom claims can be assigned to (CLM-22). Tells no events."""

    stream = "colleague"

    party: str

    @staticmethod
    def id_for(tenant: str, ref: str) -> str:
        return "col_" + sha256(f"{tenant}\n{ref}".encode()).hexdigest()[:32]
