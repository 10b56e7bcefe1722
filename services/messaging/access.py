"""Who sees which thread: one rule, said once for an aggregate at hand and once in SQL for lists (T01, T05)."""

from __future__ import annotations

import hashlib
from typing import Any

from services.messaging import policies
from services.messaging.model import Inclusion, Thread
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context

JOINING = frozenset({"supplier", "account_observer"})
"""Roles that see a thread only while they are included in it."""


def thread_of_claim(claim_id: str) -> str:
    """A claim has one thread, so that the claim's id leads to it."""
    return "thr_" + claim_id.removeprefix("clm_")


def inclusion_id(thread_id: str, kind: str, ref: str) -> str:
    return "inc_" + hashlib.sha256(f"{thread_id}\n{kind}\n{ref}".encode()).hexdigest()[:32]


def standing(ctx: Context, thread: Thread) -> str | None:
    """`insider` (reads private comments too), `outsider` (reads what is public), or None: sees no such thread."""
    principal: Principal = ctx.principal
    if principal.is_staff or principal.role == "system":
        return "insider"
    if principal.role == "customer":
        return "outsider" if principal.party is not None and principal.party == thread.customer_ref else None
    if principal.role in JOINING or policies.follows_by_mail(principal):
        inclusion = ctx.get(Inclusion, inclusion_id(thread.id, *policies.author_of(principal)))
        if inclusion is None or not inclusion.active:
            return None
        return "insider" if inclusion.scope == "all" else "outsider"
    return "insider" if principal.acts_for_seller(thread.seller_id) else None


def need_thread(ctx: Context, args: dict[str, Any]) -> tuple[Thread, bool]:
    """The thread that `thread_id` or `claim_id` names, and whether the caller is an insider on it.

    NotFound also when the caller may not see it (T01).
    """
    id = args["thread_id"] if "thread_id" in args else thread_of_claim(args["claim_id"])
    thread = ctx.get(Thread, id)
    role = standing(ctx, thread) if thread is not None else None
    if thread is None or role is None:
        raise NotFound(kind="thread", id=id)
    return thread, role == "insider"
