"""`aftersale audit verify|heads`: is what the event logs hold still what was sealed? (T38)"""

from __future__ import annotations

import argparse
import re
from importlib import import_module

from shared.ops.settings import SERVICES, Settings
from shared.runtime.seals import Verdict

HEAD = re.compile(r"(\w+):(\d{1,18}):([0-9a-f]{64})")


def main(argv: list[str]) -> int:
    """0 when every seal holds, 1 when one does not. The databases are found as `aftersale run` finds them."""
    options = _parser().parse_args(argv)
    settings, whole = Settings.from_environment(), True
    for name in options.service or SERVICES:
        expected = {number: chain for service, number, chain in options.expect if service == name}
        verdict = _verified(name, settings, expected)
        if options.action == "heads":
            print(f"{name}:{verdict.seals}:{verdict.head}")
        else:
            _tell(name, verdict)
        whole = whole and not verdict.broken
    return 0 if whole else 1


def _verified(name: str, settings: Settings, expected: dict[int, str]) -> Verdict:
    app = import_module(f"services.{name}.app").build(settings)
    try:
        return app.seals.verify(expected)
    finally:
        app.database.dispose()


def _tell(name: str, verdict: Verdict) -> None:
    state = "does not hold" if verdict.broken else "holds"
    print(f"{name}: {state}: {verdict.events} events in {verdict.seals} seals, {verdict.unsealed} not sealed yet")
    for each in verdict.broken:
        print(f"{name}: seal {each.number}: {each.what}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aftersale audit", description=__doc__)
    parser.add_argument("action", choices=("verify", "heads"), help="heads prints what to note elsewhere for --expect")
    parser.add_argument("--service", action="append", choices=SERVICES, help="only this one; may be repeated")
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        type=_head,
        metavar="SERVICE:NUMBER:HASH",
        help="a head noted elsewhere: who rewrites all seals cannot rewrite it; may be repeated",
    )
    return parser


def _head(text: str) -> tuple[str, int, str]:
    found = HEAD.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError("as `aftersale audit heads` prints it")
    return found[1], int(found[2]), found[3]
