"""`python -m bench.histories`: progress on stderr, one line of JSON at the end; exit code 1 when anything was wrong."""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from bench.histories.crowd import Crowd, Tally

AT_ONCE = 50  # histories on one suite: more make every look at the whole longer
MEMORY = Path("/dev/shm")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.histories", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000, help="histories; 10000 if not said")
    parser.add_argument("--seed", type=int, help="of the first group; the others follow")
    options = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)  # everything that fails here fails on purpose
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    began, tally = time.monotonic(), Tally()
    while tally.histories < options.count:
        group = seed + tally.histories // AT_ONCE
        one = played(min(AT_ONCE, options.count - tally.histories), group)
        if one.violations:
            print(f"seed {group}: {dict(one.violations)} {one.details[:3]}", file=sys.stderr)
        tally.add(one)
        spent = time.monotonic() - began
        print(f"[{spent:7.1f}] {tally.histories} histories, {sum(tally.violations.values())} wrong", file=sys.stderr)
    print(json.dumps(verdict(tally, seed, round(time.monotonic() - began))), flush=True)
    return 1 if tally.violations else 0


def played(count: int, seed: int) -> Tally:
    """A group of histories on databases that are forgotten afterwards."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        crowd = Crowd(Path(folder), count, seed)
        try:
            return crowd.play()
        finally:
            crowd.suite.close()


def verdict(tally: Tally, seed: int, seconds: int) -> dict[str, object]:
    wrong = dict(tally.violations)
    return {
        "histories": tally.histories,
        "seed": seed,
        "seconds": seconds,
        "commands": tally.commands,
        "refunded_in_full": tally.in_full,
        "violations": {name: wrong.pop(name, 0) for name in ("I1", "I2", "I3", "I11", "I12")} | wrong,
        "details": tally.details,
        "happened": dict(sorted(tally.happened.items())),
        "verdict": "failed" if tally.violations else "passed",
    }


if __name__ == "__main__":
    sys.exit(main())
