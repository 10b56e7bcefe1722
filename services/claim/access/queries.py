"""Who sees which claims (T01): one rule, for a claim that is loaded and in SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim.model import Claim
from services.claim.storage import claims, seats
from shared.kernel.principal import Principal

Where = list[sa.ColumnElement[bool]]


def held(tenant: sa.ColumnElement[str], party: sa.ColumnElement[str]) -> dict[str, sa.ColumnElement[bool]]:
    """The part of `scope` that an index of claims knows, by name (see `standing`). No party: nobody's claims."""
    return {
        "tenant": claims.c.tenant == tenant,
        "own_seller": claims.c.seller_id == party,
        "own_customer": claims.c.customer_ref == party,
        "nothing": sa.false(),
    }


def visible(who: Principal, claim: Claim) -> bool:
    """The same rule as `scope`, for a claim already loaded."""
    if claim.tenant != who.tenant:
        return False
    if who.is_staff or who.role == "system":
        return True
    if who.role in ("seller", "integrator"):
        return who.party == claim.seller_id or _whole_marketplace(who)
    if who.role in _SEATED:
        kind, ref = seat_of(who)
        return any((o["kind"], o["id"]) == (kind, ref) for o in claim.observers)
    return who.role == "customer" and who.party == claim.customer_ref


def scope(who: Principal) -> Where:
    """Staff the tenant's claims, a seller his orders', a customer his own, observers those they sit on, others none."""
    kind, ref = seat_of(who)
    known = held(sa.literal(who.tenant), sa.literal(who.party, sa.String))
    owned = [known[name] for name in standing(who)]
    return owned + ([claims.c.id.in_(seated(who.tenant, kind, ref))] if ref is not None else [])


def standing(who: Principal) -> list[str]:
    """The names in `held` of what this caller may see; the seats of observers come beside it."""
    if who.is_staff or _whole_marketplace(who) or seat_of(who)[1] is not None:
        return ["tenant"]
    if who.role in ("seller", "integrator"):
        return ["tenant", "own_seller"]
    return ["tenant", "own_customer" if who.role == "customer" else "nothing"]


def seated(tenant: Any, kind: Any, ref: Any) -> sa.Select:
    """The ids of the claims that this supplier or account takes part in."""
    taken = (seats.c.tenant == tenant, seats.c.kind == kind, seats.c.ref == ref, seats.c.active.is_(True))
    return sa.select(seats.c.claim_id).where(*taken)


def seat_of(who: Principal) -> tuple[str, str | None]:
    """The seat that this observer takes; without a ref he has none."""
    if who.role == "supplier":
        return "supplier", who.party
    return "account", who.id if who.role == "account_observer" else None


_SEATED = ("supplier", "account_observer")


def _whole_marketplace(who: Principal) -> bool:
    """A key of the marketplace itself reads everything in its tenant."""
    return who.role == "integrator" and who.party is None
