"""How much of which part: M4, M5, M8, M10, M15 as pure functions over a ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from services.refund.model import Line, RefundLedger, Wish
from services.refund.model.refusals import (
    AmountExceedsRefundable,
    DeductionExceedsRefund,
    LineAlreadyShipped,
    LineNotPaid,
    LineNotShipped,
    ReturnHasNoUnits,
    UnitsAlreadyRefunded,
    ZeroRefund,
)
from services.refund.policies.profiles import Profile
from shared.kernel.errors import InvalidInput
from shared.kernel.money import allocate


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line of a request. With an amount it is refunded by amount, and no unit of it counts as refunded."""

    line_id: str
    qty: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request names. shipping: every shipment's fee; shipment_ids narrows it (M8). amount: a free amount.

    deductions: (reason, amount) that are kept (M13).
    """

    kind: str
    lines: tuple[AskedLine, ...] = ()
    shipping: bool = False
    shipment_ids: tuple[str, ...] = ()
    amount: int | None = None
    gesture_tax: str | None = None
    deductions: tuple[tuple[str, int], ...] = ()


def plan(ledger: RefundLedger, profile: Profile, asked: Asked) -> list[Wish]:
    """What the request takes of each part. Raises the refusal of E1, M5, M9 or M15 that applies.

    commercial_gesture and claims may name a free amount; named lines are refunded each on its own path; a whole-order
    kind without lines takes all that its path allows.
    """
    _check_shape(asked)
    if asked.amount is not None:
        wishes = _spread(ledger, asked.amount, (asked.gesture_tax or profile.gesture_tax) == "goodwill")
    elif asked.lines:
        wishes = [_of_line(ledger.line(line.line_id), line, asked.kind) for line in asked.lines]
        wishes += _of_shipments(ledger, asked)
    else:
        wishes = _of_whole_order(ledger, asked)
    wishes = _deducted([wish for wish in wishes if wish.amount or wish.before or wish.after], asked)
    if sum(wish.amount for wish in wishes) <= 0:
        raise ZeroRefund()
    return wishes


_BEHIND = {"amount": "M10", "deductions": "M13", "lines": "E1"}


def _check_shape(asked: Asked) -> None:
    """A gesture is a free amount and nothing else (E2); the paths by line name their lines."""
    named = [line.line_id for line in asked.lines]
    wrong: dict[str, list[str]] = {}
    if asked.kind == "commercial_gesture" and asked.amount is None:
        wrong["amount"] = ["A commercial gesture names its amount."]
    if asked.amount is not None and (named or asked.shipping or asked.shipment_ids):
        wrong["amount"] = ["A free amount goes without lines and shipping."]
    if asked.amount is not None and asked.kind not in ("commercial_gesture", "claim_resolution"):
        wrong["amount"] = ["Only a gesture or a claim has a free amount."]
    if asked.deductions and asked.amount is not None:
        wrong["deductions"] = ["A free amount has no deductions: ask for less."]
    if asked.kind in ("pre_shipment", "post_shipment_lines") and not named and not asked.shipment_ids:
        wrong["lines"] = ["Name the lines to refund."]
    if len(set(named)) < len(named):
        wrong["lines"] = ["Name each line once."]
    if wrong:
        raise InvalidInput(_BEHIND[next(iter(wrong))], fields=wrong)


# ── by line: E1 and M5 ───────────────────────────────────────────────────────────────────────────────────────────────


def _of_line(line: Line, asked: AskedLine, kind: str) -> Wish:
    if line.unpaid:
        raise LineNotPaid(line_id=line.id)
    before, after = units_on_path(line, kind, asked.qty)
    if asked.amount is None:
        return Wish("line", line.id, line.value_of(before + after), before, after)
    if asked.amount > line.remaining:
        raise AmountExceedsRefundable(available=line.remaining, part=line.id)
    return Wish("line", line.id, asked.amount)


def units_on_path(line: Line, kind: str, qty: int | None) -> tuple[int, int]:
    """So many units, or all that are left, as (before, after) shipment, on the path of this kind. May raise E1, M5."""
    return _PATHS.get(kind, _both)(line, qty)


def _before(line: Line, qty: int | None) -> tuple[int, int]:
    """E1, S0-17: units that are not shipped, or that the seller refused to ship."""
    units = qty or line.before_left or 1
    if units > line.unshipped + line.cancelled:
        raise LineAlreadyShipped(line_id=line.id, shipped=line.shipped, asked=units)
    if units > line.before_left:
        raise UnitsAlreadyRefunded(line_id=line.id, left=line.before_left, asked=units)
    return units, 0


def _after(line: Line, qty: int | None) -> tuple[int, int]:
    """E1, S0-18: units that are shipped."""
    units = qty or line.after_left or 1
    if units > line.shipped:
        raise LineNotShipped(line_id=line.id, shipped=line.shipped, asked=units)
    if units > line.after_left:
        raise UnitsAlreadyRefunded(line_id=line.id, left=line.after_left, asked=units)
    return 0, units


def _both(line: Line, qty: int | None) -> tuple[int, int]:
    """A mixed line: its shipped units first, then the others, each on its own path (A10)."""
    left = line.before_left + line.after_left
    units = qty or left or 1
    if units > left:
        raise UnitsAlreadyRefunded(line_id=line.id, left=left, asked=units)
    after = min(units, line.after_left)
    return units - after, after


_PATHS: dict[str, Callable[[Line, int | None], tuple[int, int]]] = {
    "pre_shipment": _before,
    "post_shipment_lines": _after,
    "post_shipment_order": _after,
    "return": _after,
}


# ── by shipment: M8 ──────────────────────────────────────────────────────────────────────────────────────────────────


def _of_shipments(ledger: RefundLedger, asked: Asked) -> list[Wish]:
    if asked.shipment_ids:
        chosen = [ledger.shipment(one) for one in dict.fromkeys(asked.shipment_ids)]
    else:
        chosen = ledger.shipments if asked.shipping else []
    return [Wish("shipment", one.id, one.remaining) for one in chosen]


# ── the whole order, and free amounts: M4 and M10 ────────────────────────────────────────────────────────────────────


def _of_whole_order(ledger: RefundLedger, asked: Asked) -> list[Wish]:
    """Everything that the kind allows: shipped units, or all units; the shipping as asked."""
    if asked.kind == "cancellation":
        return _all_that_is_left(ledger)
    if asked.kind == "post_shipment_order":
        return _of_shipped(ledger, asked)
    lines = [_everything(line) for line in ledger.lines] if asked.kind in ("claim_resolution", "withdrawal") else []
    return lines + _of_shipments(ledger, asked)


def _all_that_is_left(ledger: RefundLedger) -> list[Wish]:
    """S0-04: all that was captured and is still here. When that is not what the parts are worth, it is spread (M4)."""
    wishes = [_everything(line) for line in ledger.lines]
    wishes += [Wish("shipment", one.id, one.remaining) for one in ledger.shipments]
    if sum(wish.amount for wish in wishes) == ledger.available:
        return wishes
    return _spread(ledger, ledger.available, goodwill=False)


def _of_shipped(ledger: RefundLedger, asked: Asked) -> list[Wish]:
    """S0-19: the shipped units of every line, and the shipping when asked. Raises LineNotShipped when none is."""
    shipped = [line for line in ledger.lines if line.after_left]
    if not shipped and not any(line.shipped for line in ledger.lines):
        raise LineNotShipped(line_id=ledger.lines[0].id, shipped=0)
    lines = [Wish("line", line.id, line.value_of(line.after_left), 0, line.after_left) for line in shipped]
    return lines + _of_shipments(ledger, asked)


def _everything(line: Line) -> Wish:
    return Wish("line", line.id, line.owed, line.before_left, line.after_left)


def _spread(ledger: RefundLedger, amount: int, goodwill: bool) -> list[Wish]:
    """A free amount over lines and shipping by what remains of each; what no part explains stays with the order."""
    if amount > ledger.available:
        raise AmountExceedsRefundable(available=ledger.available)
    weights = [part.remaining for part in ledger.parts]
    explained = min(amount, sum(weights))
    shares = allocate(explained, weights) if explained else [0] * len(weights)
    wishes = [
        Wish(part.kind, part.id, share, goodwill=goodwill)
        for part, share in zip(ledger.parts, shares, strict=True)
        if share
    ]
    if amount > explained:
        wishes.append(Wish("order", ledger.id, amount - explained))
    return wishes


# ── what is kept, and what comes along: M13, E6, M14 ─────────────────────────────────────────────────────────────────


def _deducted(wishes: list[Wish], asked: Asked) -> list[Wish]:
    """M13: each part bears its share of what is kept; the units count as refunded. Raises DeductionExceedsRefund."""
    kept, total = sum(amount for _, amount in asked.deductions), sum(wish.amount for wish in wishes)
    if not kept:
        return wishes
    if kept > total:
        raise DeductionExceedsRefund(deductions=kept, amount=total)
    shares = allocate(kept, [wish.amount for wish in wishes])
    return [
        replace(wish, amount=wish.amount - share, withheld=share) for wish, share in zip(wishes, shares, strict=True)
    ]


def of_return(asked: Asked, left: Mapping[str, int]) -> Asked:
    """E6: only units that the closed return brought back; without lines, all of them. Raises ReturnHasNoUnits."""
    named = asked.lines or tuple(AskedLine(line_id, units) for line_id, units in left.items() if units)
    if not named:
        raise ZeroRefund()
    for line in named:
        most = left.get(line.line_id, 0)
        if (line.qty or 1) > most:
            raise ReturnHasNoUnits(line_id=line.line_id, left=most, asked=line.qty or 1)
    exact = [replace(line, qty=line.qty or left[line.line_id]) for line in named]
    return replace(asked, lines=tuple(exact))


def subscriptions_of(ledger: RefundLedger, kind: str, wishes: list[Wish]) -> list[Wish]:
    """M14, S3-14: once a product is refunded in full, what is left of its linked subscriptions.

    The wishes were reserved already. Partial refunds and gestures cascade to nothing.
    """
    if kind in ("commercial_gesture", "cancellation", "linked_subscription"):
        return []
    full = {wish.part_id for wish in wishes if wish.kind == "line" and ledger.line(wish.part_id).used_up}
    linked = [line for line in ledger.lines if line.linked in full and line.remaining]
    return [_everything(line) for line in linked]
