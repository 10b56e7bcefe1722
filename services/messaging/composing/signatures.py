"""Automatic signatures (S3-05): a writer's own before his seller's; customers have none."""

from __future__ import annotations

from typing import Any

from services.messaging.composing.model import Signature, signature_id
from services.messaging.model import Who
from services.messaging.policies import MODERATORS
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context


def of(ctx: Context, author: Who, writer: str) -> str | None:
    """What stands below a public mail of this author, or None. writer: the user who wrote for him."""
    if author[0] != "seller" and author[0] not in MODERATORS:
        return None
    owners = [("user", writer)] + ([("seller", author[1])] if author[0] == "seller" else [])
    for scope, owner in owners:
        found = ctx.get(Signature, signature_id(ctx.tenant, scope, owner))
        if found is not None and found.text:
            return found.text
    return None


def save_signature(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    owner = _owner(ctx, args["scope"])
    id = signature_id(ctx.tenant, args["scope"], owner)
    signature = ctx.get(Signature, id) or Signature(id=id, tenant=ctx.tenant, scope=args["scope"], owner=owner)
    ctx.check_version(signature)
    signature.save(args["text"].strip())
    ctx.save(signature)
    return {"scope": signature.scope, "text": signature.text, "version": signature.version}


def get_signatures(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The caller's own and his seller's; null where there is none."""
    found: dict[str, Any] = {}
    for scope in ("user", "seller"):
        try:
            signature = ctx.get(Signature, signature_id(ctx.tenant, scope, _owner(ctx, scope)))
        except Forbidden:
            signature = None
        found[scope] = signature.text if signature and signature.text else None
    return found


def _owner(ctx: Context, scope: str) -> str:
    """Whose signature it is. Raises Forbidden for who has none of this scope."""
    principal = ctx.principal
    if principal.role == "seller" and principal.party:
        return principal.party if scope == "seller" else principal.id
    if principal.role in MODERATORS and scope == "user":
        return principal.id
    raise Forbidden()
