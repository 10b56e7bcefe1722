"""What the refund service needs of the outside: providers that pay, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class Said:
    """What a webhook tells, in the words of this service. what: refund, dispute_opened or dispute_closed.

    ref: the refund or dispute at the provider. refund_id: ours, where the provider kept it. won: of a closed dispute.
    """

    what: str
    ref: str
    payment_ref: str | None
    outcome: Outcome
    refund_id: str = ""
    won: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A refund as a statement of the provider tells it; amount in minor units. refund_id: ours, where it was kept."""

    provider_ref: str
    payment_ref: str
    refund_id: str | None
    amount: int
    currency: str
    at: str

    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class Provider(Protocol):
    """A way to give money back. It honours the key: the same key twice pays once (M16, M17).

    honours_keys_for: how long it does. after_that: what is true of a refund that it does not know and that is older.
    """

    honours_keys_for: timedelta
    after_that: Outcome

    def refund(self, payment_ref: str, amount: int, currency: str, metadata: dict[str, str], key: str) -> Outcome:
        """Give `amount` minor units of a payment back. Never raises for what the provider or the network does."""
        ...

    def find(self, payment_ref: str, key: str) -> Outcome | None:
        """The refund that was sent under `key`; None when it is not found, and is sent again while that is safe."""
        ...

    def settled(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Its own list of refunds of a time, oldest first, as `Settled` data (N10). Raises what goes wrong."""
        ...


class Hears(Protocol):
    """A provider whose webhooks only the provider itself can verify."""

    def is_genuine(self, headers: dict[str, str], body: str) -> bool:
        """Ask whether it sent this. Raises what goes wrong: then it is asked again."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What jobs get."""

    providers: Mapping[str, Provider]
    clock: Clock
    listeners: Mapping[str, Hears] = field(default_factory=dict)
