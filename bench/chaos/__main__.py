"""`python -m bench.chaos`: one line of JSON per case, then the verdict; exit code 1 when a goal was missed."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from bench.chaos.everything import Everything
from bench.chaos.outage import Outage
from bench.chaos.plan import LONG, SHORT, Plan
from bench.chaos.race import race
from bench.chaos.refunds import Payer
from bench.chaos.report import Case, say, tell, verdict
from bench.chaos.scene import Scene
from bench.chaos.settling import settling
from bench.chaos.twins import twins

T = TypeVar("T")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="some two minutes: 13 kills, one of the broker")
    parser.add_argument("--races", action="store_true", help="only what many ask for at once: nothing is killed")
    parser.add_argument("--seed", type=int, help="of the dice that say whom to kill when")
    options = parser.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told a job of its own to ignore it
    began = time.monotonic()
    try:
        with Scene() as scene:
            cases = _cases(scene, SHORT if options.short else LONG, random.Random(seed), options.races)
    except KeyboardInterrupt:
        say("stopped")
        return 130
    form = "short" if options.short else "long"
    return 0 if verdict(cases, form=form, seed=seed, seconds=round(time.monotonic() - began)) else 1


def _cases(scene: Scene, plan: Plan, dice: random.Random, only_races: bool) -> list[Case]:
    with scene.second_pair() as second:
        cases = [_told(race(scene, plan, second)), _told(twins(scene, plan, second))]
    cases.append(_told(settling(scene, plan, dice)))
    return cases if only_races else cases + _killing(scene, plan, dice)


def _killing(scene: Scene, plan: Plan, dice: random.Random) -> list[Case]:
    cases = [_told(_run(scene, Outage(scene, plan).run()))]
    scene.fail_on_purpose(plan.faults)
    payer, everything = Payer(scene, plan, dice), Everything(scene, plan, dice)
    _run(scene, payer.run())
    _run(scene, everything.run())
    # The refunds of the last two come to rest together: what a killed process held is waited for once.
    say("waiting until nothing waits any more")
    left = scene.rest(plan.settle)
    cases += [_told(payer.case()), _told(everything.case(time.monotonic(), left))]
    return cases


def _run(scene: Scene, work: Coroutine[Any, Any, T]) -> T:
    """To its end; Ctrl-C ends the killing, too, which goes on in threads."""

    async def stoppable() -> T:
        try:
            return await work
        except asyncio.CancelledError:
            scene.havoc.stopping.set()
            raise

    return asyncio.run(stoppable())


def _told(case: Case) -> Case:
    tell(case.line())
    return case


def _leave(*_: object) -> None:
    """SIGTERM is as good as Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
