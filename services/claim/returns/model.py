"""A return: what was announced, what arrived, what is good, and what is paid for (RET-01 to RET-09)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState, Refusal

REQUESTED, APPROVED, DECLINED, IN_TRANSIT = "requested", "approved", "declined", "in_transit"
PARTLY, RECEIVED, INSPECTED, NO_RECEPTION = "partially_received", "received", "inspected", "no_reception"
CLOSED, CANCELLED = "closed", "cancelled"
OVER = frozenset({DECLINED, CLOSED, CANCELLED})
RETURNLESS = "returnless"
REQUEST_WINDOW = timedelta(days=30)  # since the claim was opened
RECEPTION_WINDOW = timedelta(days=30)  # since it was approved or sent: then somebody must look (RET-07)

# command → the states in which it is possible
POSSIBLE = {
    "approve": frozenset({REQUESTED}),
    "decline": frozenset({REQUESTED}),
    "attach_label": frozenset({APPROVED}),
    "mark_shipped": frozenset({APPROVED}),
    "receive": frozenset({APPROVED, IN_TRANSIT, PARTLY, INSPECTED, NO_RECEPTION}),
    "inspect": frozenset({RECEIVED, PARTLY, INSPECTED}),
    "close": frozenset({INSPECTED, RECEIVED}),
    "cancel": frozenset({REQUESTED, APPROVED}),
    "miss": frozenset({APPROVED, IN_TRANSIT}),
}


class ReturnWindowPassed(Refusal):
    """The claim is over, or too old to send anything back for it: open a new one."""

    code, rule = "RETURN_WINDOW_PASSED", "RET-01"


class NothingToSendBack(Refusal):
    """Nothing that this claim is about was shipped and is not on its way back already: leave label_id out."""

    code, status, rule = "NOTHING_TO_SEND_BACK", 422, "RET-01"


class LineNotInReturn(Refusal):
    """Line {line_id} is not part of this return."""

    code, status, rule = "LINE_NOT_IN_RETURN", 422, "RET-05"


class MoreThanAnnounced(Refusal):
    """Of line {line_id} {announced} units were announced: more cannot have arrived or be missing."""

    code, status, rule = "MORE_THAN_ANNOUNCED", 422, "RET-05"


class MoreThanReceived(Refusal):
    """Of line {line_id} {received} units arrived whole: no more can be good, and no more than the good go to stock."""

    code, status, rule = "MORE_THAN_RECEIVED", 422, "RET-06"


@dataclass(kw_only=True)
class Return(Aggregate):
    """Goods that come back for a claim. lines: units, as `announced` begins them; inspected: units looked at so far.

    wants: `refund` when they are back, or `nothing` more, as for a replacement. inspected: which lines were looked at.
    reasons: per line, why its units are not good; for the house, so in no event.
    cost: of the way back, minor units, which the customer bears where cost_bearer says so.
    outbound: the whole contract was withdrawn from, so what the way out cost is paid back too.
    """

    stream = "return"

    claim_id: str
    order_id: str
    order_number: str
    seller_id: str
    customer_ref: str
    currency: str
    reason_code: str
    method: str
    wants: str
    lines: list[dict[str, Any]]
    requested_at: datetime
    updated_at: datetime
    state: str = REQUESTED
    rma: str | None = None
    inspected: list[str] = field(default_factory=list)
    reasons: dict[str, str] | None = None
    label: dict[str, Any] | None = None
    cost_bearer: str | None = None
    cost: int = 0
    tracking: dict[str, str] | None = None
    note: str | None = None
    refund_id: str | None = None
    outbound: bool = False

    # what every event says

    def _tell(self, name: str, before: str | None, **more: Any) -> None:
        self.record(
            f"return.{name}",
            return_id=self.id,
            rma=self.rma,
            claim_id=self.claim_id,
            order_id=self.order_id,
            seller_id=self.seller_id,
            customer_ref=self.customer_ref,
            method=self.method,
            reason_code=self.reason_code,
            **{"from": before, "to": self.state},
            lines=self.lines,
            label_id=(self.label or {}).get("label_id"),
            cost_bearer=self.cost_bearer,
            **more,
        )

    def _move(self, command: str, target: str, name: str, now: datetime, **more: Any) -> None:
        before = self._must_be_possible(command)
        self.state, self.updated_at = target, now
        self._tell(name, before, **more)

    def _must_be_possible(self, command: str) -> str:
        if self.state not in POSSIBLE[command]:
            raise NotInThisState(kind="return", state=self.state, action=command.replace("_", " "))
        return self.state

    # transitions

    def request(self) -> None:
        """RET-01: just built."""
        self._tell("requested", None)

    def approve(self, rma: str, now: datetime) -> None:
        """RET-02: rma is what the customer writes on the parcel."""
        self._must_be_possible("approve")
        self.rma = rma
        self._move("approve", APPROVED, "approved", now)

    def decline(self, reason_code: str, now: datetime) -> None:
        """RET-02."""
        self._move("decline", DECLINED, "declined", now, decline_reason=reason_code)

    def attach_label(self, label: dict[str, Any], cost_bearer: str, cost: int, now: datetime) -> None:
        """RET-03, S2-13: whoever supplies the label, cost_bearer says who pays for it: the brand, by default of S2."""
        self._must_be_possible("attach_label")
        self.label, self.cost_bearer, self.cost = label, cost_bearer, cost
        self._move("attach_label", APPROVED, "label_ready", now)

    def mark_shipped(self, carrier: str, number: str, now: datetime) -> None:
        """RET-04."""
        self._must_be_possible("mark_shipped")
        self.tracking = {"carrier": carrier, "tracking_number": number}
        self._move("mark_shipped", IN_TRANSIT, "shipped", now, carrier=carrier, tracking_number=number)

    def receive(self, arrived: list[dict[str, int | str]], now: datetime) -> None:
        """RET-05: adds to what arrived before, inspected or not; when no unit is left to come, all is received (B4)."""
        self._must_be_possible("receive")
        lines = {line["line_id"]: dict(line) for line in self.lines}
        for units in arrived:
            line = lines.get(str(units["line_id"]))
            if line is None:
                raise LineNotInReturn(line_id=units["line_id"])
            line["inspected"] = self._looked_at(line)
            for name in ("received", "damaged", "missing"):
                line[name] += units[name]
            if line["received"] + line["damaged"] + line["missing"] > line["qty"]:
                raise MoreThanAnnounced(line_id=line["line_id"], announced=line["qty"])
        self.lines = list(lines.values())
        self._move("receive", PARTLY if self.to_come() else RECEIVED, "received", now)

    def inspect(self, found: list[dict[str, Any]], note: str | None, now: datetime) -> None:
        """RET-06: how many of the units that arrived whole are good, and how many of those go back into stock.

        Line by line, in as many calls as it takes: each tells of all units of its lines that are here, so it may be
        repeated, corrected, and made again when more of them arrive. `reason` of a line: why the others are not good.
        """
        self._must_be_possible("inspect")
        lines = {line["line_id"]: dict(line) for line in self.lines}
        reasons = dict(self.reasons or {})
        for units in found:
            line = lines.get(str(units["line_id"]))
            if line is None:
                raise LineNotInReturn(line_id=units["line_id"])
            line["compliant"], line["restock"] = units["compliant"], units["restock"]
            if not line["restock"] <= line["compliant"] <= line["received"]:
                raise MoreThanReceived(line_id=line["line_id"], received=line["received"])
            line["inspected"] = line["received"]
            if reason := units.get("reason"):
                reasons[line["line_id"]] = reason
        self.lines, self.reasons, self.note = list(lines.values()), reasons, note or self.note
        self.inspected = sorted({*self.inspected, *(str(units["line_id"]) for units in found)})
        self._move("inspect", INSPECTED, "inspected", now)

    def replaced(self) -> None:
        """CLM-03: the customer gets it anew, so nothing is paid back for it."""
        self.wants = "nothing"

    def miss(self, now: datetime) -> None:
        """RET-07: nothing arrived in time."""
        self._move("miss", NO_RECEPTION, "not_received", now)

    def close(self, refund_id: str, shipping: bool, now: datetime) -> None:
        """RET-08: what is good is paid for; units that nobody inspected count as they arrived.

        Returnless goods are closed as soon as they are approved, every unit paid for. Nothing to pay: no refund (M15).
        """
        if not self.comes_back and self.state == APPROVED:
            before, refundable = self.state, [{"line_id": line["line_id"], "qty": line["qty"]} for line in self.lines]
        else:
            before, refundable = self._must_be_possible("close"), self.refundable()
        self.refund_id = refund_id if refundable and self.wants == "refund" else None
        self.state, self.updated_at = CLOSED, now
        self._tell(
            "closed",
            before,
            refundable=refundable,
            refund_id=self.refund_id,
            shipping=shipping or (self.outbound and self._came_back_whole()),
            deduction=self.cost if self.cost_bearer == "customer" and self.refund_id else 0,
            restock=[
                {"line_id": line["line_id"], "qty": line["restock"], "key": f"{line['line_id']}:return:{self.id}"}
                for line in self.lines
                if line["restock"]
            ],
        )

    def refundable(self) -> list[dict[str, Any]]:
        """Units to pay for, per line: the good ones, and whatever arrived whole and nobody looked at."""
        units = ((line["line_id"], line["compliant"] + line["received"] - self._looked_at(line)) for line in self.lines)
        return [{"line_id": line_id, "qty": qty} for line_id, qty in units if qty]

    def _looked_at(self, line: dict[str, Any]) -> int:
        """Units of the line that were inspected. What was inspected before units were counted was so as a whole."""
        return line.get("inspected", line["received"] if line["line_id"] in self.inspected else 0)

    def to_come(self) -> dict[str, int]:
        """Units per line that were announced and are neither here nor known to be missing."""
        arrived = {line["line_id"]: line["received"] + line["damaged"] + line["missing"] for line in self.lines}
        return {line["line_id"]: left for line in self.lines if (left := line["qty"] - arrived[line["line_id"]])}

    @property
    def comes_back(self) -> bool:
        return self.method != RETURNLESS

    def not_returned(self) -> dict[str, int]:
        """Units per line that did not come back, and may be announced another time; returnless ones need not come."""
        if not self.comes_back:
            return {}
        left = {line["line_id"]: line["qty"] - line["received"] - line["damaged"] for line in self.lines}
        return {line_id: qty for line_id, qty in left.items() if qty}

    def cancel(self, now: datetime) -> None:
        """RET-09."""
        self._move("cancel", CANCELLED, "cancelled", now)

    def _came_back_whole(self) -> bool:
        return self.refundable() == [{"line_id": line["line_id"], "qty": line["qty"]} for line in self.lines]

    @property
    def is_over(self) -> bool:
        return self.state in OVER


def announced(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The units of a new return, nothing of them here yet."""
    empty = {"received": 0, "damaged": 0, "missing": 0, "inspected": 0, "compliant": 0, "restock": 0}
    return [{"line_id": line["line_id"], "qty": line["qty"], **empty} for line in lines]
