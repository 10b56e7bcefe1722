"""`aftersale profile lint|replay|activate`: claim workflows as data, checked before anybody depends on them (N2)."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.claim.app import build
from services.claim.profiles import BrokenProfile, Fault, profile_from
from services.claim.profiles.check import check
from services.claim.profiles.replay import Report, replay
from shared.contracts.claim import ACTIVATE_PROFILE
from shared.kernel.calls import Call
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal
from shared.ops.settings import Settings
from shared.runtime.app import App


def main(argv: list[str]) -> int:
    """0 when all is well, 1 when not. The claim database is found as `aftersale run` finds it."""
    options = _parser().parse_args(argv)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aftersale profile", description="Claim profiles: check, try out, activate.")
    actions = parser.add_subparsers(dest="action", required=True)
    lint = actions.add_parser("lint", help="is it in order? every fault with its place and its remedy")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint.set_defaults(run=_lint)
    again = actions.add_parser("replay", help="what would it have done to past claims? changes nothing")
    again.add_argument("--since", type=_days, metavar="90d", help="only claims opened since")
    again.set_defaults(run=_replay)
    use = actions.add_parser("activate", help="claims opened from now on follow it; those open keep theirs")
    use.add_argument("--by", default=getpass.getuser(), help="who is doing this, for the record")
    use.set_defaults(run=_activate)
    for action in (again, use):
        action.add_argument("file", type=Path, metavar="FILE")
        action.add_argument("--tenant", required=True)
    return parser


def _days(text: str) -> timedelta:
    if not text.endswith("d") or not text[:-1].isdecimal():
        raise argparse.ArgumentTypeError("write a number of days: 90d")
    return timedelta(days=int(text[:-1]))


def _read(path: Path) -> tuple[Any, list[Fault]]:
    """The data, and what is wrong with it."""
    try:
        data = orjson.loads(path.read_bytes())
    except OSError as failed:
        return None, [Fault(str(path), f"it cannot be read ({failed.strerror})", "Name a file that is there")]
    except orjson.JSONDecodeError as wrong:
        place = f"line {wrong.lineno}, column {wrong.colno}"
        return None, [Fault(place, f"it is not JSON ({wrong.msg})", "Correct it there, or just before")]
    try:
        return data, check(profile_from(data))
    except BrokenProfile as broken:
        return data, broken.faults


def _lint(options: argparse.Namespace) -> int:
    broken = False
    for path in options.files:
        _, faults = _read(path)
        broken = broken or bool(faults)
        for fault in faults:
            print(f"{path}: {fault}", file=sys.stderr)
        if not faults:
            print(f"{path}: in order")
    return 1 if broken else 0


def _replay(options: argparse.Namespace) -> int:
    data, faults = _read(options.file)
    if faults:
        return _lint(argparse.Namespace(files=[options.file]))
    since = datetime.now(UTC) - options.since if options.since else None
    with _claim_service() as app, app.database.transaction() as connection:
        report = replay(connection, app.storage, options.tenant, profile_from(data, own=True), since)
    _print(report)
    return 0


def _print(report: Report) -> None:
    for found in report.differences:
        print(
            f"{found.number} ({found.claim_id}) {stamp(found.at)} {found.step}: was {found.was}, {found.would_be} now"
        )
    print(f"{report.claims} past claims lived again under {report.profile}: {len(report.differences)} differ")


def _activate(options: argparse.Namespace) -> int:
    data, faults = _read(options.file)
    if faults:
        return _lint(argparse.Namespace(files=[options.file]))
    who = Principal("platform_agent", options.by, options.tenant, via="cli")
    with _claim_service() as app:
        (answer,) = app.execute([Call(ACTIVATE_PROFILE.name, {"profile": data}, who)])
    if not answer.ok:
        print(f"profile: {answer.body['code']}: {answer.body['title']}", file=sys.stderr)
        return 1
    former = f", instead of {answer.body['former']}" if answer.body["former"] else ""
    print(f"claims that {options.tenant} opens from now on follow {answer.body['key']}{former}")
    return 0


@contextmanager
def _claim_service() -> Iterator[App]:
    app = build(Settings.from_environment())
    try:
        yield app
    finally:
        app.database.dispose()
