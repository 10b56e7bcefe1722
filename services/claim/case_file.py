"""Who may have the file of a case, and for whose eyes (N12)."""

from __future__ import annotations

from typing import Any

from services.claim.queries import visible_claim
from shared.contracts.roles import HANDLERS, OWNERS
from shared.kernel.errors import Forbidden
from shared.kernel.principal import STAFF
from shared.runtime.unit_of_work import Context

# Nobody hands out more than he may see himself.
MAY_ASK = {"customer": OWNERS, "seller": HANDLERS, "authority": STAFF}


def case_file(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Whose case it is, for those who may have its file for this audience. Raises NotFound, Forbidden."""
    claim = visible_claim(ctx, args["claim_id"])
    if ctx.principal.role not in MAY_ASK[args["audience"]]:
        raise Forbidden(action="claim.case_file")
    return {
        "claim_id": claim.id,
        "number": claim.number,
        "order_id": claim.order_id,
        "customer_ref": claim.customer_ref,
        "seller_id": claim.seller_id,
    }
