"""`aftersale deadletters list|show|redrive|skip`: what waits for a person in the services' databases (R11 to R13)."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module

import orjson

from shared.kernel.clock import stamp
from shared.ops.settings import SERVICES, Settings
from shared.runtime import deadletters
from shared.runtime.app import App
from shared.runtime.deadletters import Letter, NotPossible


def main(argv: list[str]) -> int:
    """0 when done, 1 when it cannot be done. The databases are found as `aftersale run` finds them."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()
    try:
        for app in _apps(options.service or SERVICES, settings):
            if options.run(app, options):
                return 0
    except NotPossible as why:
        print(f"deadletters: {why}", file=sys.stderr)
        return 1
    if options.action == "list":
        return 0
    print(f"deadletters: none of {', '.join(options.service or SERVICES)} has {options.ref}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aftersale deadletters", description="Events and jobs that gave up.")
    parser.add_argument("--service", action="append", choices=SERVICES, help="only this one; may be repeated")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="one line each, oldest first")
    listing.add_argument("--type", help="only events of this type, or jobs of this kind")
    listing.set_defaults(run=_list)
    for name, run, text in (
        ("show", _show, "everything about one"),
        ("redrive", _redrive, "try it again now; what waits behind it follows in order"),
        ("skip", _skip, "go on without it, for ever"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("ref")
        action.add_argument("--by", default=getpass.getuser(), help="who is doing this, for the record")
        action.set_defaults(run=run)
        if name == "skip":
            action.add_argument("--reason", required=True)
    return parser


def _apps(names: Iterable[str], settings: Settings) -> Iterator[App]:
    for name in names:
        app = import_module(f"services.{name}.app").build(settings)
        try:
            yield app
        finally:
            app.database.dispose()


def _list(app: App, options: argparse.Namespace) -> bool:
    for letter in deadletters.listed(app):
        if options.type in (None, letter.type):
            print(_line(app, letter))
    return False  # go on with the next service


def _line(app: App, letter: Letter) -> str:
    behind = f", {letter.waiting_behind} wait behind it" if letter.waiting_behind else ""
    what = f"{letter.type} of {letter.aggregate_id}"
    return f"{app.name} {letter.ref} {what}: {letter.error} ({letter.attempts} tries{behind})"


def _show(app: App, options: argparse.Namespace) -> bool:
    letter = _known(app, options.ref)
    if letter is None:
        return False
    print(_line(app, letter))
    print(f"since {stamp(letter.since)}, tenant {letter.tenant}")
    print(orjson.dumps(letter.content, option=orjson.OPT_INDENT_2).decode())
    for entry in deadletters.audit(app):
        if entry["aggregate_id"] == letter.ref:
            print(f"{stamp(entry['occurred_at'])} {entry['type']} by {entry['actor']}")
    return True


def _redrive(app: App, options: argparse.Namespace) -> bool:
    if _known(app, options.ref) is None:
        return False
    deadletters.redrive(app, options.ref, options.by)
    print(f"{app.name}: {options.ref} is tried again")
    return True


def _skip(app: App, options: argparse.Namespace) -> bool:
    if _known(app, options.ref) is None:
        return False
    deadletters.skip(app, options.ref, options.by, options.reason)
    print(f"{app.name}: {options.ref} is passed over")
    return True


def _known(app: App, ref: str) -> Letter | None:
    return next((letter for letter in deadletters.listed(app) if letter.ref == ref), None)
