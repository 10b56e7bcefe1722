"""A quote's id says until when it holds and what was quoted; nothing of it is kept, and nothing reserved (REF-01)."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import orjson

from services.refund.decision import Decision, Wanted
from services.refund.model import RefundLedger
from services.refund.model.refusals import QuoteDiffers, QuoteExpired
from shared.kernel.clock import stamp

_FORM = re.compile(r"qte_([0-9a-f]{8})_([0-9a-f]{32})")


def quote_id(ledger: RefundLedger, wanted: Wanted, decision: Decision, until: datetime) -> str:
    """Whoever has it was shown these terms. It is no permission: what the rules say is asked anew."""
    return f"qte_{int(until.timestamp()):08x}_{_terms(ledger, wanted, decision)}"


def hold_to(id: str, ledger: RefundLedger, wanted: Wanted, decision: Decision, now: datetime) -> None:
    """What is about to be reserved must be what was quoted. Raises QuoteExpired, QuoteDiffers."""
    found = _FORM.fullmatch(id)
    if found is None:
        raise QuoteDiffers()
    until = int(found[1], 16)
    if now.timestamp() >= until:
        raise QuoteExpired(until=stamp(datetime.fromtimestamp(until, now.tzinfo)))
    if found[2] != _terms(ledger, wanted, decision):
        raise QuoteDiffers()


def _terms(ledger: RefundLedger, wanted: Wanted, decision: Decision) -> str:
    """What takes how much of which part by which payment: all that the customer and the books will see."""
    parts = [
        [payment.id, [[w.kind, w.part_id, w.amount, w.before, w.after, w.goodwill, w.withheld] for w in wishes]]
        for payment, wishes in decision.parts
    ]
    terms = [ledger.tenant, ledger.id, wanted.asked.kind, wanted.instrument, wanted.asked.deductions, parts]
    return hashlib.sha256(orjson.dumps(terms)).hexdigest()[:32]
