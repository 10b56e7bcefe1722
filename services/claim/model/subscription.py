"""The claim service's copy of a subscription to support (ENT-01…05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class Subscription(Aggregate):
    """For one customer, product and normalised URL. state: as last announced."""

    stream = "claim"

    customer_ref: str
    product_id: str
    url: str
    state: str
    ends_at: datetime

    def valid(self, now: datetime) -> bool:
        """Also before the news of its end has come."""
        return self.state in ("activated", "resumed") and now < self.ends_at
