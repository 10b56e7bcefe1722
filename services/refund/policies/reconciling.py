"""Statements of providers beside our books: reading them, and what a difference is (N10)."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from services.refund.model import Refund
from services.refund.model.refusals import StatementRefused
from shared.kernel.clock import moment

COLUMNS = ("provider_ref", "payment_ref", "refund_id", "amount", "currency", "at")
MATCHED, MISSING, EXTRA, AMOUNT, LATE = "matched", "missing", "extra", "amount", "late"
KINDS = (MATCHED, MISSING, EXTRA, AMOUNT, LATE)


def lines_of(text: str) -> list[dict[str, Any]]:
    """The lines of a CSV statement. Raises StatementRefused with the number of the first line that is wrong."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise StatementRefused(line=1, reason=f"the header lacks {', '.join(missing)}")
    try:
        return [_line(row, number) for number, row in enumerate(reader, start=2)]
    except csv.Error as broken:
        raise StatementRefused(line=reader.line_num, reason=str(broken)) from None


def _line(row: dict[str, Any], number: int) -> dict[str, Any]:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if not given["provider_ref"] or len(given["provider_ref"]) > 128:
        raise StatementRefused(line=number, reason="provider_ref is missing or too long")
    if not (given["amount"].isascii() and given["amount"].isdigit() and 0 < len(given["amount"]) < 16):
        raise StatementRefused(line=number, reason="amount is a whole number of minor units")
    if len(given["currency"]) != 3 or not given["currency"].isalpha():
        raise StatementRefused(line=number, reason="currency is an ISO 4217 code")
    try:
        if moment(given["at"]).tzinfo is None:
            raise ValueError
    except ValueError:
        raise StatementRefused(line=number, reason="at is a time with its offset, as 2026-11-22T10:00:00Z") from None
    known = {"refund_id": given["refund_id"] or None, "amount": int(given["amount"])}
    return {**given, **known, "currency": given["currency"].upper()}


def late_by(refund: Refund, at: str) -> int:
    """Whole days from our success to the provider's settlement; 0 when it came first."""
    if refund.succeeded_at is None:
        return 0
    return max(0, (moment(at) - refund.succeeded_at).days)


def verdict(refund: Refund, line: dict[str, Any], late_days: int) -> str:
    """What a line is to the refund that it tells of, once that has succeeded."""
    if (refund.amount, refund.currency) != (line["amount"], line["currency"]):
        return AMOUNT
    return LATE if late_by(refund, line["at"]) >= late_days else MATCHED


def is_due(refund: Refund, until: datetime, grace_days: int) -> bool:
    """Should a statement that ends then already tell of it?"""
    return refund.succeeded_at is not None and (until - refund.succeeded_at).days >= grace_days
