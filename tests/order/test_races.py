"""Settling and claiming at the same time, in every order in which messages can arrive (SET-05…07, I8)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from services.claim.model import OrderCase
from services.order.model import Settlement
from shared.contracts.registry import narrowest_key

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
RACES = 500


@dataclass
class FakeClaim:
    """What the order's case needs to know of a claim. hold: fixed when it opens, as claims do it."""

    id: str
    hold: bool
    is_open: bool = True

    @property
    def holds(self) -> bool:
        return self.hold and self.is_open


class Race:
    """Both sides, and the streams between them: each in order, one against the other in any."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.settlement = Settlement(
            id="ord_1", tenant="shop", seller_id="sel_1", currency="EUR", total=100, state="releasable"
        )
        self.settlement.order_completed = True
        self.case = OrderCase(
            id="ord_1",
            tenant="shop",
            number="1",
            marketplace="main",
            profile="issue",
            customer_ref="cus_1",
            seller_id="sel_1",
            currency="EUR",
            total=100,
            phase="completed",
            lines=[],
        )
        self.claims: list[FakeClaim] = []
        self.streams: dict[str, list] = {}
        self.payouts = self.settled = 0

    def step(self) -> None:
        ready = [name for name, waiting in self.streams.items() if waiting]
        moves = [self.open, self.end, self.propose, self.give_up, *(lambda n=name: self.deliver(n) for name in ready)]
        self.dice.choice(moves)()
        self.collect()

    def open(self) -> None:
        if len(self.claims) < 4:
            claim = FakeClaim(f"clm_{len(self.claims)}", hold=not self.case.cleared)
            self.claims.append(claim)
            self.case.note(claim)
            self.streams.setdefault(claim.id, []).append(("opened", claim.id, claim.holds))

    def end(self) -> None:
        alive = [claim for claim in self.claims if claim.is_open]
        if alive:
            claim = self.dice.choice(alive)
            claim.is_open = False
            self.case.note(claim)
            self.streams[claim.id].append(("ended", claim.id, False))

    def propose(self) -> None:
        if self.settlement.payable:
            self.payouts += 1
            self.settlement.propose(f"po_{self.payouts}")

    def give_up(self) -> None:
        if self.dice.random() < 0.1:
            self.settlement.give_up_waiting()

    def collect(self) -> None:
        for recorded in self.settlement.events:
            if recorded.type == "settlement.settled":
                self.settled += 1
                assert not [claim.id for claim in self.claims if claim.holds], "settled while a claim held the order"
            key = narrowest_key(recorded.type, recorded.data)
            self.streams.setdefault("settlement", []).append((key, recorded.data, None))
        self.settlement.events.clear()
        for recorded in self.case.events:
            self.streams.setdefault("case", []).append((recorded.type, recorded.data, None))
        self.case.events.clear()

    def deliver(self, name: str) -> None:
        type, what, holds = self.streams[name].pop(0)
        if type == "settlement.proposed":
            self.case.answer_settlement(NOW, what["payout_ref"], what.get("held_claim_ids", ()))
        elif type in ("settlement.releasable", "settlement.payout_held"):
            self.case.settlement_given_up()
        elif type == "claim.settlement_cleared":
            self.settlement.clear(what["payout_ref"])
        elif type == "claim.settlement_blocked":
            self.settlement.block(what["payout_ref"], what["holding_claim_ids"])
        elif type in ("opened", "ended"):
            (self.settlement.hold if holds else self.settlement.release)(what)


@pytest.mark.capability("I8", "R26")
def test_in_500_races_no_order_is_settled_while_a_claim_holds_it():
    settled = 0
    for seed in range(RACES):
        race = Race(seed)
        for _ in range(60):
            race.step()
        settled += race.settled
    assert settled > RACES / 10, "the races must also be won by the pay-out, or they would show nothing"
