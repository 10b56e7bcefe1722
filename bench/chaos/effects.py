"""What must follow from what: for each cause in one service's log, exactly one effect in another service's tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Effect(NamedTuple):
    """of, wanted: where the causes are and how they are named; at, found: the effects under the same names."""

    name: str
    of: str
    wanted: str
    at: str
    found: str


def _logged(type: str, key: str = "aggregate_id", where: str = "") -> str:
    """A select over the event log; `key` in braces is a field of the payload."""
    return f"select {_field(key)} from event_log where type = '{type}'{where}"


def _field(key: str) -> str:
    return f"data::json->>'{key[1:-1]}'" if key.startswith("{") else key


CLAIMED = " and data::json->>'claim_id' is not null"
POSTED = " and data::json->>'origin' = 'post'"

KNOWN = tuple(
    Effect(f"{table} of order", "order", _logged("order.placed"), service, f"select id from {table}")
    for service, table in (
        ("claim", "order_case"),
        ("messaging", "order_parties"),
        ("refund", "refund_ledger"),
        ("notification", "order_copy"),
    )
)
OPENED, CHOSEN = _logged("claim.opened"), _logged("claim.resolution_chosen", "{refund_id}")
PAID = _logged("refund.succeeded")
CAPTURED = _logged("order.payment_captured", "{payment_id}")
ENTRY = "select cause from ledger_entry where txn like '%:{}' and account = '{}'"

# of the races of settling.py neither holds nor releases follow from claims alone: they come after the pay-out, too
STEADY = " and data::json->>'order_id' not like 'ord_settle_%'"
STEADY_ORDER = " and aggregate_id not like 'ord_settle_%'"
HOLDING, SETTLING = _logged("claim.opened", where=STEADY), _logged("claim.resolved", where=STEADY)
HELD = _logged("settlement.hold_placed", "{claim_id}", STEADY_ORDER)
RELEASED = _logged("settlement.hold_released", "{claim_id}", STEADY_ORDER)

DONE = (
    Effect("payment booked", "order", CAPTURED, "refund", "select payment_id from payment_ref"),
    Effect("capture entered", "order", CAPTURED, "refund", ENTRY.format("capture", "captured")),
    Effect("hold placed", "claim", HOLDING, "order", HELD),
    Effect("hold released", "claim", SETTLING, "order", RELEASED),
    Effect("claim known to refund", "claim", OPENED, "refund", "select id from claim_facts"),
    Effect("claim known to notification", "claim", OPENED, "notification", "select id from claim_copy"),
    Effect("thread of claim", "claim", OPENED, "messaging", "select claim_id from thread where claim_id is not null"),
    Effect(
        "opening message", "claim", OPENED, "messaging", "select claim_id from message where origin = 'claim.opened'"
    ),
    Effect(
        "proposal in words",
        "claim",
        _logged("claim.solution_proposed"),
        "messaging",
        "select claim_id from message where origin = 'claim.solution_proposed'",
    ),
    Effect("refund of resolution", "claim", CHOSEN, "refund", "select id from refund where claim_id is not null"),
    Effect(
        "resolution executed",
        "refund",
        _logged("refund.succeeded", where=CLAIMED),
        "claim",
        _logged("claim.resolution_executed", "{refund_id}"),
    ),
    Effect("credit note", "refund", PAID, "refund", "select refund_id from credit_note"),
    Effect("credit note announced", "refund", PAID, "refund", _logged("credit_note.issued", "{refund_id}")),
    Effect("refund entered", "refund", PAID, "refund", ENTRY.format("succeed", "refunds_paid")),
)

# event → who is told of it
TOLD = (
    ("order", "order.placed", "", ("customer", "seller")),
    ("order", "order.parcel_added", "", ("customer",)),
    ("claim", "claim.opened", "", ("customer", "seller")),
    ("claim", "claim.resolution_chosen", "", ("customer",)),
    ("claim", "claim.solution_proposed", "", ("customer",)),
    ("claim", "claim.resolved", "", ("customer", "seller")),
    ("messaging", "message.posted", POSTED, ("seller",)),
    ("refund", "refund.succeeded", "", ("customer", "seller")),
    ("refund", "credit_note.issued", "", ("customer",)),
)


def _told() -> Iterator[Effect]:
    for service, type, where, kinds in TOLD:
        for kind in kinds:
            found = f"select source_event_id from notification where source_type = '{type}' and kind = '{kind}'"
            yield Effect(f"{kind} told of", service, _logged(type, "event_id", where), "notification", found)


EFFECTS = (*KNOWN, *DONE, *_told())
