"""Filters of the desk that somebody keeps under a name, for himself or for his colleagues too."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal


class TooManyViews(Refusal):
    """You keep {most} views already: remove one first."""

    code = "TOO_MANY_VIEWS"
    status = 409
    rule = "B13"


@dataclass(kw_only=True)
class SavedView(Aggregate):
    """key: by which its owner knows it. team: who else sees it while it is shared. filters: as they were sent, so that
    `me` is whoever looks."""

    stream = "saved_view"

    key: str
    name: str
    owner: str
    team: str
    shared: bool
    filters: dict[str, Any] = field(default_factory=dict)

    def save(self, name: str, filters: dict[str, Any], shared: bool) -> None:
        self.name, self.filters, self.shared = name, filters, shared
        self.record("saved_view.saved", view_id=self.id, shared=shared)

    def remove(self) -> None:
        """Nobody sees it any more; its key may be used again."""
        self.filters, self.shared, self.owner = {}, False, ""
        self.record("saved_view.removed", view_id=self.id)

    def is_seen_by(self, who: Principal) -> bool:
        return self.owner == owner_of(who) or (self.shared and self.team == team_of(who))


def view_id(who: Principal, key: str) -> str:
    return "viw_" + sha256(f"{who.tenant}\n{owner_of(who)}\n{key}".encode()).hexdigest()[:32]


def owner_of(who: Principal) -> str:
    return f"{who.role}:{who.id}"


def team_of(who: Principal) -> str:
    """Whose colleague somebody is: the staff of the marketplace, or the people of one seller or supplier."""
    if who.is_staff:
        return "staff"
    if who.role in ("seller", "integrator") and who.party is not None:
        return f"seller:{who.party}"
    return f"supplier:{who.party}" if who.role == "supplier" and who.party is not None else owner_of(who)
