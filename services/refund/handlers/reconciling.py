"""Reconciliation: what a provider's statement says beside our books, line by line, once (N10)."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any

from services.refund import queries
from services.refund.access import rules_of
from services.refund.handlers.paying import settle
from services.refund.handlers.providers import book_external
from services.refund.model import Refund, RefundLedger, SettlementLine
from services.refund.policies.reconciling import (
    AMOUNT,
    EXTRA,
    KINDS,
    MATCHED,
    MISSING,
    is_due,
    late_by,
    lines_of,
    verdict,
)
from services.refund.ports import Outcome, Ports
from shared.kernel.clock import moment, stamp
from shared.kernel.errors import Forbidden
from shared.runtime.jobs import JobRun
from shared.runtime.unit_of_work import Context


def upload_statement(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A statement by hand. The same line again changes nothing."""
    _staff_only(ctx)
    period = (args.get("start"), args.get("end"))
    return match(ctx, args["provider"], lines_of(args["csv"]), period)


def fetch_statement(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Ask the provider itself: afterwards, in a job."""
    _staff_only(ctx)
    payload = {"provider": args["provider"], "start": stamp(args["start"]), "end": stamp(args["end"])}
    key = ctx.new_id("stm")
    ctx.job("statement", key, payload)
    return {"statement": key, **payload}


def fetch(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    start, end = moment(payload["start"]), moment(payload["end"])
    return {"lines": ports.providers[payload["provider"]].settled(start, end)}


def settle_statement(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> None:
    period = (moment(job.payload["start"]), moment(job.payload["end"]))
    match(ctx, job.payload["provider"], outcome["lines"], period)


def match(
    ctx: Context, provider: str, lines: list[dict[str, Any]], period: tuple[datetime | None, datetime | None]
) -> dict[str, Any]:
    """Each line beside its refund; then our refunds of the period that no line tells of. Answers how many of each.

    A provider account that several tenants share lists the refunds of all of them: each looks at its own.
    """
    payments, others = queries.payments_behind(ctx, provider, [line["payment_ref"] for line in lines])
    lines = [line for line in lines if line["payment_ref"] not in others]
    refs = [line["provider_ref"] for line in lines]
    found = queries.refunds_behind(ctx, provider, refs, [line["refund_id"] for line in lines if line["refund_id"]])
    by_ref = {one.provider_ref: one.id for one in found if one.provider_ref} | {one.id: one.id for one in found}
    told = set()
    kinds: list[str] = []
    for line in lines:
        known = by_ref.get(line["provider_ref"]) or by_ref.get(line["refund_id"] or "")
        told.add(known)
        kinds.append(_line(ctx, provider, line, known, payments))
    kinds += _missing(ctx, provider, told, period)
    counted = Counter(kinds)
    return {"provider": provider, "lines": len(lines), **{kind: counted[kind] for kind in KINDS}}


def _line(
    ctx: Context, provider: str, line: dict[str, Any], known: str | None, payments: dict[str, tuple[str, str]]
) -> str:
    """One line. A refund whose outcome was not known is known now (REF-12); one that is not ours is booked (REF-15)."""
    id = _item_id(ctx, provider, line["provider_ref"])
    seen = ctx.get(SettlementLine, id)
    if seen is not None and seen.kind != MISSING:
        return seen.kind
    outcome = Outcome("succeeded", line["provider_ref"], amount=line["amount"], currency=line["currency"])
    refund = ctx.need(Refund, known) if known else None
    if refund is not None and refund.can("succeed") and refund.amount == line["amount"]:
        settle(ctx, refund, outcome)
        refund = ctx.need(Refund, refund.id)
    kind, order_id = EXTRA, refund.order_id if refund else None
    if refund is not None and (refund.state == "succeeded" or refund.can("succeed")):
        ledger = ctx.need(RefundLedger, refund.order_id)
        late = rules_of(ctx, ledger.profile).late_days
        kind = verdict(refund, line, late) if refund.state == "succeeded" else AMOUNT
    elif line["payment_ref"] in payments:
        order_id, payment_id = payments[line["payment_ref"]]
        ledger = ctx.need(RefundLedger, order_id)
        refund = book_external(ctx, ledger, provider, payment_id, line["payment_ref"], outcome)
    _keep(ctx, id, provider, kind, line, refund, order_id, seen)
    return kind


def _missing(
    ctx: Context, provider: str, told: set[str | None], period: tuple[datetime | None, datetime | None]
) -> list[str]:
    """What we hold for paid and the provider's statement of its time does not tell."""
    start, end = period
    if start is None or end is None:
        return []
    kinds = []
    for refund in queries.paid_between(ctx, provider, start, end):
        days = rules_of(ctx, refund.profile).late_days
        if refund.id in told or refund.kind == "external" or not is_due(refund, end, days):
            continue
        id = _item_id(ctx, provider, refund.provider_ref or refund.id)
        if ctx.get(SettlementLine, id) is None:
            _keep(ctx, id, provider, MISSING, None, refund, refund.order_id, None)
            kinds.append(MISSING)
    return kinds


def _keep(
    ctx: Context,
    id: str,
    provider: str,
    kind: str,
    line: dict[str, Any] | None,
    refund: Refund | None,
    order_id: str | None,
    before: SettlementLine | None,
) -> None:
    """before: the same refund was missing in an earlier statement."""
    ours = refund if refund is not None and kind != EXTRA else None
    item = SettlementLine(
        id=id,
        tenant=ctx.tenant,
        provider=provider,
        provider_ref=line["provider_ref"] if line else refund.provider_ref if refund else None,
        refund_id=refund.id if refund else None,
        order_id=order_id,
        seller_id=refund.seller_id if refund else None,
        kind=kind,
        currency=line["currency"] if line else refund.currency if refund else "",
        expected=ours.amount if ours else None,
        found=line["amount"] if line else None,
        late_days=late_by(ours, line["at"]) if ours and line and kind != MATCHED else None,
        seen_at=ctx.now,
    )
    if before is not None:
        item.version, item.seq = before.version, before.seq
    item.tell()
    ctx.save(item)


def _item_id(ctx: Context, provider: str, ref: str) -> str:
    """The same line of whichever statement is the same item."""
    digest = hashlib.sha256(f"{ctx.tenant}|{provider}|{ref}".encode()).hexdigest()
    return f"rec_{digest[:40]}"


def _staff_only(ctx: Context) -> None:
    if not ctx.principal.is_staff:
        raise Forbidden(action="reconciliation.upload")
