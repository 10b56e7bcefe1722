"""The read side of returns: a return is seen by whoever sees its claim (T01)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.claim import queries
from services.claim.access.queries import scope
from services.claim.returns.model import POSSIBLE, RETURNLESS, Return
from services.claim.storage import STORAGE, claims, returns
from shared.kernel.clock import stamp
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context
from shared.storage.paging import page

MAPPING = STORAGE.mappings[Return]
HANDLING = frozenset({"seller", "integrator", "coordinator", "platform_agent"})
# what a customer may do with his own return; the others decide (RET-01…RET-09)
BY_CUSTOMER = frozenset({"mark_shipped", "cancel"})


def visible_return(ctx: Context, return_id: str) -> Return:
    """The return, or NOT_FOUND."""
    found = ctx.get(Return, return_id)
    if found is None:
        raise NotFound(kind="return", id=return_id)
    try:
        queries.visible_claim(ctx, found.claim_id)
    except NotFound:
        raise NotFound(kind="return", id=return_id) from None
    return found


def get_return(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    return return_view(visible_return(ctx, args["return_id"]), ctx.principal)


def list_returns(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Newest change first, of the claims that the caller sees."""
    seen = sa.select(claims.c.id).where(*scope(ctx.principal))
    where = [returns.c.tenant == ctx.tenant, returns.c.claim_id.in_(seen)]
    where += [returns.c[name] == args[name] for name in ("claim_id", "order_id", "state") if name in args]
    return page(
        ctx.connection,
        MAPPING.select().where(*where),
        returns.c.updated_at,
        returns.c.id,
        args["limit"],
        args.get("cursor"),
        lambda row: return_view(MAPPING.from_row(dict(row)), ctx.principal),
    )


def return_view(found: Return, who: Principal) -> dict[str, Any]:
    """The return as the caller may see it: what inspection says of it is between the house and its suppliers."""
    view: dict[str, Any] = {
        "id": found.id,
        "version": found.version,
        "claim_id": found.claim_id,
        "order_id": found.order_id,
        "order_number": found.order_number,
        "seller_id": found.seller_id,
        "customer_ref": found.customer_ref,
        "rma": found.rma,
        "state": found.state,
        "label": STATE_LABELS[found.state],
        "method": found.method,
        "wants": found.wants,
        "reason_code": found.reason_code,
        "lines": found.lines,
        "shipping_label": found.label,
        "cost_bearer": found.cost_bearer,
        "cost": {"amount": found.cost, "currency": found.currency},
        "tracking": found.tracking,
        "refund_id": found.refund_id,
        "requested_at": stamp(found.requested_at),
        "updated_at": stamp(found.updated_at),
        "allowed_actions": allowed_actions(found, who),
    }
    if who.role != "customer":
        view |= {"note": found.note, "reasons": found.reasons or {}}
    return view


def allowed_actions(found: Return, who: Principal) -> list[str]:
    may = BY_CUSTOMER if who.role == "customer" else POSSIBLE.keys() - {"miss"} if who.role in HANDLING else set()
    possible = {command for command in may if found.state in POSSIBLE[command]}
    if not found.to_come():
        possible -= {"receive"}
    if found.method == RETURNLESS and found.state == "approved" and who.role in HANDLING:
        possible |= {"close"}
    return sorted(possible)


STATE_LABELS = {
    "requested": {"fr": "Retour demandé", "en": "Return requested"},
    "approved": {"fr": "Retour accepté", "en": "Return accepted"},
    "declined": {"fr": "Retour refusé", "en": "Return declined"},
    "in_transit": {"fr": "En route", "en": "On its way"},
    "partially_received": {"fr": "Reçu en partie", "en": "Received in part"},
    "received": {"fr": "Reçu", "en": "Received"},
    "inspected": {"fr": "Contrôlé", "en": "Inspected"},
    "no_reception": {"fr": "Non reçu", "en": "Not received"},
    "closed": {"fr": "Terminé", "en": "Closed"},
    "cancelled": {"fr": "Annulé", "en": "Cancelled"},
}
