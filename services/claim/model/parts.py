"""Parts of a claim: how those who take part are named, and what a claim hears of a comment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.claim.policies import COORDINATORS, PLATFORM, SELLER
from shared.kernel.principal import Principal

REQUESTER = "requester"

_ACTING = {"customer": REQUESTER, "platform_agent": PLATFORM, "integrator": SELLER}
_PARTY = {**_ACTING, "seller": SELLER, "coordinator": COORDINATORS}

_OBSERVING = {"supplier": "supplier", "mail_observer": "mail"}


def acting_as(role: str) -> str:
    """Who acted, as events say it: requester, seller, coordinator, platform, system."""
    return _ACTING.get(role, role)


def party_of(role: str, ref: str | None) -> str:
    """Whom this role stands for, as an awaited party: `requester`, `seller`, `supplier:sup_1`, `account:usr_7`…"""
    return _PARTY.get(role) or observer_party(_OBSERVING.get(role, "account"), ref or "")


def viewer(who: Principal) -> str:
    """The awaited party that a viewer is."""
    return party_of(who.role, who.party if who.role == "supplier" else who.id)


def observer_party(kind: str, ref: str) -> str:
    return f"{kind}:{ref}"


@dataclass(frozen=True, slots=True)
class Comment:
    """What a claim needs to know of a comment: who wrote it, in which role, and when; whom it asks, when in private."""

    author_role: str
    at: datetime
    author_id: str | None = None
    asks: dict[str, str] | None = None
