"""How much of everything: the long form, and the short one for every change."""

from __future__ import annotations

from dataclasses import dataclass

FAULTS = "rollback:0.05,handler:0.02"


@dataclass(frozen=True)
class Plan:
    """kills: of processes, in all cases together the least. sales: orders begun a second while everything is killed."""

    rounds: int  # R20
    twins: int  # R21
    settlings: int  # R26
    calm: float  # seconds of steady writes before the broker dies
    writes: float  # steady writes a second
    refunds: int  # R22, R23
    refunds_per_second: float
    refund_kills: int
    kills: int  # R01
    broker_kills: int
    events: int
    sales: float
    pause: tuple[float, float]  # seconds between two kills
    patience: float  # seconds that a customer waits for his money; a reaction that fails three times needs 155
    settle: float  # seconds that everything may take to come to rest
    faults: str


LONG = Plan(
    rounds=30,
    twins=10,
    settlings=500,
    calm=20,
    writes=30,
    refunds=600,
    refunds_per_second=8,
    refund_kills=20,
    kills=60,
    broker_kills=2,
    events=20_000,
    sales=5,
    pause=(0.8, 2.2),
    patience=400,
    settle=480,
    faults=FAULTS,
)
# The pauses after a failed reaction are a tenth of the real ones: 0.5 s, 3 s, 12 s … instead of 5 s, 30 s, 2 min.
SHORT = Plan(
    rounds=5,
    twins=1,
    settlings=40,
    calm=5,
    writes=20,
    refunds=60,
    refunds_per_second=6,
    refund_kills=5,
    kills=8,
    broker_kills=0,
    events=1_000,
    sales=3,
    pause=(0.8, 2.2),
    patience=100,
    settle=60,
    faults=f"{FAULTS},pauses:0.1",
)
