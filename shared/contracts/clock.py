"""The virtual clock of test stacks (N5): every service takes these where VIRTUAL_CLOCK is set, none does elsewhere."""

from __future__ import annotations

from marshmallow import fields

from shared.contracts.fields import Strict
from shared.contracts.registry import Operation
from shared.contracts.roles import AGENT, ANYTHING

MOST_MS = 20 * 366 * 86_400_000  # nobody tests farther than twenty years ahead


class NoArgs(Strict):
    """Takes nothing."""


class MoveArgs(Strict):
    """offset_ms: how far ahead of the time of day the clock shall be; the same offset again changes nothing."""

    offset_ms = fields.Integer(strict=True, required=True)


GET = Operation("clock.get", NoArgs(), reads=True, may=AGENT, on=ANYTHING)
MOVE = Operation("clock.move", MoveArgs(), may=AGENT, on=ANYTHING)
