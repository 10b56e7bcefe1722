"""Who asks: the verified caller of a command or query, and the actor that its events record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROLES = (
    "customer",
    "seller",
    "supplier",
    "coordinator",
    "platform_agent",
    "account_observer",
    "mail_observer",
    "integrator",
    "system",
)
STAFF = frozenset({"coordinator", "platform_agent"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `party` is whom the caller stands for: the customer's ref, the seller's or supplier's id.

    `scopes` narrow what an integrator's key may do (`orders:read`, `refunds:write`, …); empty = all the role may.
    """

    role: str
    id: str
    tenant: str
    party: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    via: str = "api"
    name: str | None = None

    @property
    def actor(self) -> dict[str, Any]:
        """The actor as events record it (spec 5.0)."""
        return {"type": self.role, "id": self.id, "via": self.via}

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    def acts_for_seller(self, seller_id: str | None) -> bool:
        """A seller, or an integrator of that seller."""
        return self.role in ("seller", "integrator") and self.party is not None and self.party == seller_id

    def claims(self) -> dict[str, Any]:
        """What a signed token carries of this principal."""
        found: dict[str, Any] = {
            "role": self.role,
            "sub": self.id,
            "tenant": self.tenant,
            "party": self.party,
            "via": self.via,
            "name": self.name,
        }
        if self.scopes:
            found["scopes"] = sorted(self.scopes)
        return {key: value for key, value in found.items() if value is not None}

    @classmethod
    def from_claims(cls, claims: dict[str, Any]) -> Principal:
        return cls(
            role=claims["role"],
            id=claims["sub"],
            tenant=claims["tenant"],
            party=claims.get("party"),
            scopes=frozenset(claims.get("scopes", ())),
            via=claims.get("via", "api"),
            name=claims.get("name"),
        )


def system(tenant: str, via: str = "timer") -> Principal:
    """The suite itself, when a timer or a reaction acts."""
    return Principal(role="system", id="system", tenant=tenant, via=via)
