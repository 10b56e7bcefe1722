"""What a closed return lets one refund (E6)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ReturnFacts(Aggregate):
    """A copy kept from return.closed. units: those that came back fit for a refund, per line."""

    stream = "return_facts"

    order_id: str
    claim_id: str | None
    units: dict[str, int]
