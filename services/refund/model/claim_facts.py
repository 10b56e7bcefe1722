"""The few facts of a claim that decide who may refund for it (E5), and whether after-sales was asked first (E4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ClaimFacts(Aggregate):
    """A copy kept from claim events; `handler` is seller, coordinators or platform, as the last event said.

    after_sales: a problem with what was bought, and no question before buying it.
    """

    stream = "claim_facts"

    order_id: str
    reason_code: str
    handler: str
    opened_at: datetime
    after_sales: bool
