"""A tenant's own refund rules: setting them, and trying them on the past before (N9)."""

from __future__ import annotations

from typing import Any

from services.refund import queries
from services.refund.access import rulebook_id, rules_changed, rules_of
from services.refund.model import Rulebook
from services.refund.policies import PROFILES, Profile, changed, profile_of
from services.refund.policies.backtest import Outcomes, decided_by
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden
from shared.runtime.unit_of_work import Context


def put_rules(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The next revision of the tenant's rules: a platform agent only; each decision names the revision it was under."""
    if ctx.principal.role != "platform_agent":
        raise Forbidden(action="refund_policy.put")
    name, id = args["profile"], rulebook_id(ctx.tenant, args["profile"])
    book = ctx.get(Rulebook, id)
    if book is None:
        book = Rulebook(
            id=id, tenant=ctx.tenant, profile=name, revision=1, rules={}, changed_by="system", changed_at=ctx.now
        )
    ctx.check_version(book)
    book.change(args["rules"], ctx.principal.id, ctx.now)
    ctx.save(book)
    rules_changed(ctx)
    return rules_view(changed(profile_of(name), book.rules, book.revision), book)


def list_rules(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Every profile's rules as they are in force: staff only."""
    if not ctx.principal.is_staff:
        raise Forbidden(action="refund_policy.list")
    books = {name: ctx.get(Rulebook, rulebook_id(ctx.tenant, name)) for name in PROFILES}
    found = [(name, changed(profile_of(name), book.rules, book.revision) if book else profile_of(name), book)
             for name, book in books.items()]  # fmt: skip
    return {"items": [rules_view(rules, book) for _, rules, book in found]}


def simulate_rules(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N9: what these rules would have said to the refunds of the past, beside those in force, per seller.

    They are judged by the facts that were stored with their decisions (N4), so that nothing of today leaks in.
    """
    if not ctx.principal.is_staff:
        raise Forbidden(action="refund_policy.simulate")
    now = rules_of(ctx, args["profile"])
    then = changed(profile_of(args["profile"]), args["rules"], now.revision + 1)
    sellers: dict[tuple[str, str], Outcomes] = {}
    for refund in queries.requested_since(ctx, args["profile"], args["since"]):
        if refund.requested_by["type"] == "system":
            continue  # owed, whatever the rules say
        facts = {verdict["rule"]: verdict["facts"] for verdict in refund.verdicts}
        before, after = decided_by(now, refund, facts), decided_by(then, refund, facts)
        counted = sellers.setdefault((refund.seller_id, refund.currency), Outcomes())
        counted.count(refund.amount, before, after)
    items = [{"seller_id": id, "currency": unit, **sellers[id, unit].data()} for id, unit in sorted(sellers)]
    return {"profile": args["profile"], "since": stamp(args["since"]), "items": items}


def rules_view(rules: Profile, book: Rulebook | None) -> dict[str, Any]:
    data = rules.data()
    return {
        "id": rules.name,
        "version": book.version if book else 1,
        "revision": rules.revision,
        "changed_by": book.changed_by if book else None,
        "changed_at": stamp(book.changed_at) if book else None,
        "rules": data,
        "allowed_actions": [],
    }
