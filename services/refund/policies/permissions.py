"""Who may do what with refunds, deny by default (spec 5.1)."""

from __future__ import annotations

from shared.kernel.principal import Principal

_SELLER_SIDE = frozenset({"seller", "integrator"})
_STAFF = frozenset({"coordinator", "platform_agent"})
MAY = {
    "request": _SELLER_SIDE | _STAFF,
    "approve": _STAFF,
    "reject": _STAFF,
    "cancel": _SELLER_SIDE | _STAFF,
    "execute": _STAFF,
    "retry": _SELLER_SIDE | _STAFF,
    "redeem": _SELLER_SIDE | _STAFF,
    "revoke": _SELLER_SIDE | _STAFF,
}


def may(who: Principal, action: str, seller_id: str, execution: str | None = None) -> bool:
    """A seller and its integrator for its own orders, staff for the tenant's. Where merchants execute, they may."""
    roles = MAY[action] | _SELLER_SIDE if action == "execute" and execution == "merchant" else MAY[action]
    return who.role in roles and (who.is_staff or _is_of(who, seller_id))


def sees(who: Principal, seller_id: str, customer_ref: str) -> bool:
    """Staff the tenant's refunds, a seller its own, a customer his own, others none (T01)."""
    if who.is_staff or who.role == "system":
        return True
    if who.role in _SELLER_SIDE:
        return _is_of(who, seller_id)
    return who.role == "customer" and who.party == customer_ref


def is_inside(who: Principal) -> bool:
    """May see who decided and why, and what the provider said."""
    return who.role in _SELLER_SIDE | _STAFF | {"system"}


def _is_of(who: Principal, seller_id: str) -> bool:
    """An integrator's key without a party is the platform's own system."""
    return who.party == seller_id or (who.role == "integrator" and who.party is None)
