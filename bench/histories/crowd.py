"""Some sales side by side on one suite: they act by turns while everything around them fails, then come to rest."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.histories import checks
from bench.histories.sale import BOSS, WEBHOOK_SECRET, Sale
from bench.histories.shaky import Shaky
from services.refund.ports import Ports
from services.refund.storage import credit_notes, entries, ledgers, refunds
from shared.runtime import faults
from tests.documents import SELLER
from tests.suite import Suite, seller

SERVICES = ("order", "claim", "refund")
FAILING = "rollback:0.03,handler:0.03"
ACTS = 16  # of one sale, about
PATIENCE = 9  # times that a day passes until all is at rest


@dataclass
class Tally:
    """How often what happened; and what must not have happened, by invariant."""

    histories: int = 0
    in_full: int = 0
    commands: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def note(self, found: checks.Found) -> None:
        for invariant, about in found:
            self.violations[invariant] += 1
            if len(self.details) < 20:
                self.details.append(f"{invariant}: {about}")

    def add(self, other: Tally) -> None:
        for name in ("histories", "in_full", "commands"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.happened += other.happened
        self.violations += other.violations
        self.details = (self.details + other.details)[:20]


class Crowd:
    """`count` sales in databases of their own in `folder`."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.dice = random.Random(seed)
        random.seed(seed)  # the faults on purpose draw from there
        self.provider = Shaky(self.dice)
        self.suite = Suite(folder, SERVICES, stripe_webhook_secret=WEBHOOK_SECRET)
        for app in self.suite.apps.values():
            faults.install(app, FAILING)
        refund = self.suite.apps["refund"]
        refund.ports = Ports({"stripe": self.provider, "paypal": self.provider}, self.suite.clock)
        self.suite.do("marketplace.configure", BOSS, marketplace="main", stock_managed=True)
        for number in range(3):
            about = {**SELLER, "seller_id": f"sel_{number}"}
            self.suite.do("identity.set", seller(f"sel_{number}"), **about)
        self.sales = [Sale(self.suite, f"{number}", random.Random(self.dice.random())) for number in range(count)]
        self.tally = Tally(histories=count)

    def play(self) -> Tally:
        for _ in range(ACTS * len(self.sales)):
            sale = self.dice.choice(self.sales)
            sale.act()
            self._meanwhile()
            if self.dice.random() < 0.1:
                self.tally.note(checks.caps(checks.rows(self.suite, "refund", ledgers)))
        self._come_to_rest()
        self._check()
        for sale in self.sales:
            self._pay_the_rest(sale)
        self._come_to_rest()
        for sale in self.sales:
            self._refund_in_full(sale)
        self._come_to_rest()
        self._check()
        self._check_in_full()
        self.tally.commands = sum(sale.keys for sale in self.sales)
        self.tally.happened = self._happened()
        self.tally.note(("failure", failure) for sale in self.sales for failure in sale.failures)
        return self.tally

    def _meanwhile(self) -> None:
        """Some of what goes on by itself, in any order; now and then a process dies and forgets."""
        joined, dice = self.suite.joined, self.dice
        for work in dice.sample((joined.deliver, joined.run_jobs, joined.tend, self._repeat), dice.randint(0, 2)):
            work()
        if dice.random() < 0.05:
            joined._ready_jobs.clear()
        if dice.random() < 0.1:
            self.suite.clock.advance(seconds=dice.choice((1, 40, 600, 90_000)))

    def _repeat(self) -> None:
        """Events reach everybody, and nobody notes that they have left: they come again."""
        for app in self.suite.apps.values():
            events = app.outbox.unsent(50)
            for other in self.suite.apps.values():
                heard = [event for event in events if other.inbox.hears(event)]
                if heard:
                    other.inbox.receive(heard)

    def _come_to_rest(self) -> None:
        self.provider.steady = True
        for _ in range(PATIENCE):
            self.suite.settle()
            self.suite.clock.advance(hours=25)
        self.suite.settle()
        for _ in range(PATIENCE):  # what failed on purpose just now is tried again in a moment
            if any(each["state"] == "retry" for name in SERVICES for each in self.suite.waiting(name)):
                self.suite.advance(minutes=3)
        for name in SERVICES:
            self.tally.note(("at rest", f"{name}: {each}") for each in self.suite.waiting(name))

    def _pay_the_rest(self, sale: Sale) -> None:
        if sale.due:
            number = len(sale.payments)
            paid = {"payment_id": f"pay_{sale.number}_{number}", "provider": "stripe"}
            paid |= {"provider_ref": f"pi_{sale.number}_{number}", "amount": {"amount": sale.due, "currency": "EUR"}}
            if sale.call("order.capture_payment", BOSS, order_id=sale.id, **paid) is not None:
                sale.payments.append(paid)
                sale.due = 0

    def _refund_in_full(self, sale: Sale) -> None:
        """Whatever waits for a person is decided, and then all that is left goes back."""
        for one in self.suite.do("refund.list", BOSS, order_id=sale.id)["items"]:
            if one["state"] == "pending_approval":
                sale.call("refund.reject", sale.approver, refund_id=one["id"])
            elif one["state"] == "approved":
                sale.call("refund.cancel", BOSS, refund_id=one["id"])
        asked = {"order_id": sale.id, "kind": "cancellation", "shipping": True, "reason_code": "order_cancelled"}
        made = sale.call("refund.request", BOSS, **asked)
        for part in made["parts"] if made else ():
            sale.call("refund.approve", sale.approver, refund_id=part)
            sale.call("refund.execute", BOSS, refund_id=part)  # where the merchant pays, a person says when

    def _check(self) -> None:
        found = {table.name: checks.rows(self.suite, "refund", table) for table in (ledgers, refunds, entries)}
        books, paid = found["refund_ledger"], [paid for sale in self.sales for paid in sale.payments]
        self.tally.note(checks.caps(books))
        self.tally.note(checks.counters(books, found["refund"], found["ledger_entry"]))
        self.tally.note(checks.paid_once(found["refund"], paid, self.provider))
        self.tally.note(checks.papers(self.suite))
        ordered = {line: units for sale in self.sales for line, units in sale.lines}
        self.tally.note(checks.stock(self.suite, ordered))

    def _check_in_full(self) -> None:
        books = {row["id"]: row for row in checks.rows(self.suite, "refund", ledgers)}
        notes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        made: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for note in checks.rows(self.suite, "refund", credit_notes):
            notes[note["order_id"]].append(note)
        for one in checks.rows(self.suite, "refund", refunds):
            made[one["order_id"]].append(one)
        for sale in self.sales:
            if sale.plain and books[sale.id]["captured"] == sale.total:
                self.tally.in_full += 1
                self.tally.note(checks.exact(books[sale.id], notes[sale.id], made[sale.id]))

    def _happened(self) -> Counter[str]:
        types = Counter(type for name in SERVICES for type in self.suite.event_types(name))
        return Counter({type: count for type, count in types.items() if type.split(".")[0] in TOLD})


TOLD = ("order", "refund", "coupon", "credit_note", "chargeback", "return", "invoice")
