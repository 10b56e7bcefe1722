"""What the refund service needs of the outside: providers that pay, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from shared.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider said of one refund.

    status: succeeded, pending (it has it and goes on), refused (for certain, nothing was paid), unknown (nobody knows).
    amount and currency are the provider's own, None where it does not say.
    """

    status: str
    provider_ref: str | None = None
    code: str | None = None
    retryable: bool = False
    amount: int | None = None
    currency: str | None = None

    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Provider(Protocol):
    """A way to give money back. It honours the key: the same key twice pays once (M16, M17)."""

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        """Give `amount` minor units of a payment back. Never raises for what the provider or the network does."""
        ...

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """The refund that was sent under `key`; None when the provider surely never had it."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What jobs get."""

    providers: Mapping[str, Provider]
    clock: Clock
