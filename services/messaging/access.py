"""Who sees which thread: one rule, said once for an aggregate at hand and once in SQL for lists (T01, T05)."""

from __future__ import annotations

import hashlib
from typing import Any

from services.messaging import policies
from services.messaging.model import Inclusion, Thread
from shared.kernel.errors import NotFound
from shared.kernel.principal import Principal

JOINING = frozenset({"supplier", "account_observer"})
"""Roles that see a thread only while they are included in it."""


def thread_of_claim(claim_id: str) -> str:
    """A claim has one thread, so that the claim's id leads to it."""
    return "thr_" + claim_id.removeprefix("clm_")


def inclusion_id(thread_id: str, kind: str, ref: str) -> str:
    return "inc_" + hashlib.sha256(f"{thread_id}\n{kind}\n{ref}".encode()).hexdigest()[:32]


def visible(ctx: Any, thread: Thread) -> bool:
    principal: Principal = ctx.principal
    if principal.is_staff or principal.role == "system":
        return True
    if principal.role == "customer":
        return principal.party is not None and principal.party == thread.customer_ref
    if principal.role in JOINING:
        inclusion = ctx.get(Inclusion, inclusion_id(thread.id, *policies.author_of(principal)))
        return inclusion is not None and inclusion.active
    return principal.acts_for_seller(thread.seller_id)


def need_thread(ctx: Any, args: dict[str, Any]) -> Thread:
    """The thread that `thread_id` or `claim_id` names. NotFound also when the caller may not see it (T01)."""
    id = args["thread_id"] if "thread_id" in args else thread_of_claim(args["claim_id"])
    thread = ctx.get(Thread, id)
    if thread is None or not visible(ctx, thread):
        raise NotFound(kind="thread", id=id)
    return thread
