"""Plays the demo's past: each tale tells who did what how long ago, and all of them run in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared.kernel.calls import Answer, Call
from shared.kernel.principal import Principal


class Step(NamedTuple):
    """One command: this person gave it so long ago."""

    ago: timedelta
    who: Principal
    operation: str
    args: dict[str, Any]


Tale = Generator[Step, dict[str, Any], None]


class TaleRefused(Exception):
    """A step of the demo data was refused: the data contradicts the rules."""


def play(
    tales: Iterable[Tale],
    now: datetime,
    execute: Callable[[Call], Answer],
    walk_to: Callable[[datetime], None],
    settle: Callable[[], None],
) -> int:
    """Run every tale to its end; how many steps there were.

    walk_to: moves the clock of the suite. settle: lets everything happen that follows from a step, mails included.
    """
    waiting = [(step.ago * -1, number, step, tale) for number, tale in enumerate(tales) for step in [next(tale)]]
    heapq.heapify(waiting)
    done = 0
    while waiting:
        _, number, step, tale = heapq.heappop(waiting)
        walk_to(now - step.ago)
        answer = execute(Call(step.operation, step.args, step.who, idempotency_key=f"demo-{number}-{done}"))
        if not answer.ok:
            raise TaleRefused(f"{step.operation} by {step.who.id}: {answer.body}")
        settle()
        done += 1
        try:
            following = tale.send(answer.body)
        except StopIteration:
            continue
        heapq.heappush(waiting, (following.ago * -1, number, following, tale))
    return done
