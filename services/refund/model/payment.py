"""A payment as the refund service knows it; amounts are minor units of the order's currency."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.refund.model.parts import Counter


@dataclass(slots=True)
class Payment:
    """A captured payment: what it brought, what refunds took of it, what a chargeback took (N1).

    `excess` is what left it beyond its cap through no command of ours (REF-15): reported, outside the counters.
    `chargeback_open` counts its open disputes. `chargeback_rest` is what the bank took while refunds in flight held the
    money: should they fail, it is gone too.
    """

    id: str
    provider: str
    provider_ref: str
    instrument: str
    captured: int
    captured_at: str
    given: Counter = field(default_factory=Counter)
    chargeback: int = 0
    chargeback_open: int = 0
    chargeback_rest: int = 0
    excess: int = 0

    @property
    def available(self) -> int:
        return self.captured - self.given.total - self.chargeback
