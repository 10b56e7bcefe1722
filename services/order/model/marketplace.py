"""What a marketplace decides about its orders: its lists of states, its stock, its parcels, delays and tax codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar

from services.order.model.refusals import BrokenStates, UnknownTaxCode
from services.order.states import FINAL_PHASES, INTERNAL_STATES, ISSUE_REPORTED, PUBLIC_STATES
from shared.kernel.aggregate import Aggregate

SETTINGS = (
    "public_states",
    "internal_states",
    "stock_managed",
    "parcel_number_required",
    "complete_after_days",
    "tax_codes",
)


@dataclass(kw_only=True)
class Marketplace(Aggregate):
    """The rules of one marketplace of a tenant. One that was never configured has these defaults.

    stock_managed: units that will not be sent go back to stock (S4-11, S4-12). complete_after_days: a delivered order
    completes itself after so many days, one of whose delivery nobody tells UNTOLD_DELIVERY later; None = a person does
    it (ORD-10). tax_codes: those that prices may name (M3); None = any.
    """

    stream: ClassVar[str] = "marketplace"

    code: str
    public_states: list[dict[str, Any]] = field(default_factory=lambda: PUBLIC_STATES)
    internal_states: list[dict[str, Any]] = field(default_factory=lambda: INTERNAL_STATES)
    stock_managed: bool = True
    parcel_number_required: bool = True
    complete_after_days: int | None = None
    tax_codes: list[str] | None = None

    def configure(self, changes: dict[str, Any]) -> None:
        """Take these settings over; the others stay. Raises BrokenStates, and changes nothing then."""
        faults = _faults(
            changes.get("public_states", self.public_states), changes.get("internal_states", self.internal_states)
        )
        if faults:
            raise BrokenStates(faults="; ".join(faults))
        for name in SETTINGS:
            if name in changes:
                setattr(self, name, changes[name])
        self.record("marketplace.configured", marketplace=self.code, **self.settings())

    def settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SETTINGS}

    # what orders ask

    def check_taxes(self, taxes: Iterable[dict[str, Any]], of: str) -> None:
        """M3: a code that nobody knows would be frozen, refunded and printed for ever.

        Raises UnknownTaxCode with the field, as whoever sent it names it; `of` is the line or shipment there.
        """
        if self.tax_codes is None:
            return
        for number, tax in enumerate(taxes):
            if tax["code"] not in self.tax_codes:
                field = f"{of}.taxes.{number}.code"
                raise UnknownTaxCode(field=field, tax_code=tax["code"], marketplace=self.code, known=self.tax_codes)

    def shown_at(self, phase: str) -> str | None:
        """The public state that is bound to this phase, or None."""
        return next((state["code"] for state in self.public_states if state["phase"] == phase), None)

    def settable(self, phase: str) -> frozenset[str]:
        """The public states that people may set while an order is in this phase (ORD-11)."""
        return frozenset(
            state["code"]
            for state in self.public_states
            if state["by_hand"] and (phase in state["phases"] if state["phases"] else phase not in FINAL_PHASES)
        )

    def public_label(self, code: str | None) -> dict[str, str]:
        return _label(self.public_states, code)

    def internal_label(self, code: str | None) -> dict[str, str]:
        return _label(self.internal_states, code)

    def has_internal(self, code: str) -> bool:
        return any(state["code"] == code for state in self.internal_states)


def _label(states: list[dict[str, Any]], code: str | None) -> dict[str, str]:
    """The words for a state; its code where the list no longer has it."""
    if code is None:
        return {}
    return next((state["label"] for state in states if state["code"] == code), {"fr": code, "en": code})


def _faults(public: list[dict[str, Any]], internal: list[dict[str, Any]]) -> list[str]:
    found = []
    for name, states in (("public", public), ("internal", internal)):
        twice = [code for code, times in Counter(state["code"] for state in states).items() if times > 1]
        found += [f"the {name} state {code} is there twice" for code in twice]
    phases = Counter(state["phase"] for state in public if state["phase"])
    found += [f"{times} public states are bound to {phase}" for phase, times in phases.items() if times > 1]
    if any(state["code"] == ISSUE_REPORTED["code"] for state in public):
        found.append(f"{ISSUE_REPORTED['code']} is shown by itself while a problem is open")
    if "awaiting_payment" not in phases:
        found.append("no public state is bound to awaiting_payment, where every order begins")
    return found


def marketplace_id(tenant: str, code: str) -> str:
    return "mkt_" + sha256(f"{tenant}\n{code}".encode()).hexdigest()[:32]


SHIPPED = Marketplace(id="mkt_shipped", tenant="", code="shipped")
"""The defaults, for orders of a marketplace that has configured nothing."""
