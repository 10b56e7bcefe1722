"""A failed refund tried again: what was reserved for it then must still be there to be given back now (REF-13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.refund.model import RefundLedger, Slice, Wish
from services.refund.policies.amounts import AskedLine, units_on_path


def wishes_of(slices: Iterable[Slice]) -> list[Wish]:
    """The same parts and amounts once more."""
    return [
        Wish(piece.kind, piece.part_id, piece.amount, piece.before, piece.after, piece.goodwill, piece.withheld)
        for piece in slices
    ]


def units_of(wishes: Iterable[Wish]) -> tuple[AskedLine, ...]:
    """The units that are asked for, per line; lines that are refunded by amount alone have none."""
    return tuple(AskedLine(wish.part_id, wish.before + wish.after) for wish in wishes if wish.before or wish.after)


def still_there(ledger: RefundLedger, kind: str, wishes: Iterable[Wish]) -> list[Wish]:
    """E1 anew: units may have been shipped, or refunded otherwise, since the refund failed.

    Where the kind knows both paths, the units take the one that is theirs today. Raises LineAlreadyShipped,
    LineNotShipped and UnitsAlreadyRefunded.
    """
    found = []
    for wish in wishes:
        if units := wish.before + wish.after:
            before, after = units_on_path(ledger.line(wish.part_id), kind, units)
            wish = replace(wish, before=before, after=after)
        found.append(wish)
    return found
