"""What the order service needs of the outside: providers that take money, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Bill:
    """What a payer is asked for. amount: in minor units of ISO 4217. back: where he is sent when he is done."""

    amount: int
    currency: str
    title: str
    locale: str
    back: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a provider says of one attempt to pay.

    status: open (the payer is at it), paid, closed (nobody can pay it any more), refused (it was never opened, or was
    declined for good), unknown (nobody knows). url: its page for the payer. payment_ref: what a refund will name.
    amount and currency are the provider's own.
    """

    status: str
    ref: str | None = None
    url: str | None = None
    payment_ref: str | None = None
    amount: int | None = None
    currency: str | None = None
    code: str | None = None

    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Till(Protocol):
    """A way to take money on the provider's own page. Nothing here raises for what provider or network do."""

    def open(self, bill: Bill, key: str) -> Standing:
        """A page to pay at. The same key twice is one page."""
        ...

    def look(self, ref: str, key: str) -> Standing:
        """What became of it; money that the payer has approved is taken, once per key."""
        ...

    def close(self, ref: str, key: str) -> Standing:
        """See to it that it cannot be paid any more: `closed`, or `paid` when the payer was faster."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What jobs get. link_secret: opens what links are sealed with."""

    tills: Mapping[str, Till]
    clock: Clock
    link_secret: str
