"""The few facts of a claim that decide who may refund for it (E5)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ClaimFacts(Aggregate):
    """A copy kept from claim events; `handler` is seller, coordinators or platform, as the last event said."""

    stream = "claim_facts"

    order_id: str
    reason_code: str
    handler: str
