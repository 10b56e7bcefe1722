"""The few facts of a claim that decide who may refund for it (E5)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class ClaimFacts(Aggregate):
    """A copy kept from claim events; `handler` is seller, coordinators or platform."""

    stream = "claim_facts"

    order_id: str | None
    profile: str
    reason_code: str
    handler: str
    handler_before: str | None = None

    def escalate(self) -> None:
        """The platform takes the claim over; who had it before is remembered for the way back (CLM-11)."""
        if self.handler != "platform":
            self.handler_before, self.handler = self.handler, "platform"

    def hand_back(self) -> None:
        """The former handler has it again (CLM-12)."""
        self.handler, self.handler_before = self.handler_before or self.handler, None
