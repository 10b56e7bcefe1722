"""`aftersale story`: the story against a suite that runs, by default the demo of this folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import FileAwareEnv

from services.demo.api import Api, LogIn, NoAnswer, Refused, over_http
from services.demo.folder import read_notes
from services.demo.narrator import Narrator
from services.demo.promises import check
from services.demo.story import Story
from services.demo.waiting import NotReached, Patience
from services.simulator import Ports, Simulator
from shared.ops.settings import Settings

NEEDED = ("customer", "seller", "integrator", "platform_agent")


class NotTold(Exception):
    """Something that the story needs was not given; the sentence says what and how."""


def main(argv: list[str]) -> int:
    """Walk and check; 0 when every promise was kept."""
    return _run(_parser().parse_args(argv))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aftersale story", description=sys.modules[__name__].__doc__)
    env = FileAwareEnv()
    parser.add_argument("--url", default=env.str("SUITE_URL", None), help="of the gateway (SUITE_URL)")
    parser.add_argument("--tokens", type=Path, help="JSON with a token per role; default: demo.json of the data folder")
    parser.add_argument("--provider", default=env.str("SUITE_PROVIDER_URL", None), help="simulated payment provider")
    parser.add_argument("--mails", default=env.str("SUITE_MAIL_URL", None), help="mail catcher")
    parser.add_argument("--patience", type=float, default=20.0, metavar="SECONDS", help="deadline of each condition")
    return parser


def _run(given: argparse.Namespace) -> int:
    tell = Narrator(sys.stdout)
    try:
        url, story = _story(given, tell)
        tell.heading(f"A sale and its after-sale, at {url}")
        started = time.monotonic()
        story.walk()
    except (NotTold, NoAnswer, NotReached, Refused) as problem:
        print(f"\nThe story stops here: {problem}", file=sys.stderr)
        return 1
    tell.heading(f"Walked in {time.monotonic() - started:.1f} s. What was promised:")
    promises = check(story)
    for promise in promises:
        tell.promise(*promise)
    broken = sum(not promise.kept for promise in promises)
    tell.heading(f"{broken} of {len(promises)} promises were broken." if broken else "Every promise was kept.")
    return 1 if broken else 0


def _story(given: argparse.Namespace, tell: Narrator) -> tuple[str, Story]:
    settings = Settings.from_environment()
    notes = json.loads(given.tokens.read_text(encoding="utf-8")) if given.tokens else read_notes(settings.data_dir)
    if not notes:
        where = settings.data_dir.absolute()
        raise NotTold(f"there is no demo in {where}. Start it with `make run`, or name a suite with --url.")
    url = (given.url or notes.get("url") or f"http://127.0.0.1:{settings.port}").rstrip("/")
    people = log_ins(notes.get("people", notes))
    outside = simulator_at(given.provider or notes.get("provider_url"), given.mails or notes.get("mail_url"))
    patience = Patience(given.patience, lambda: time.sleep(0.05))
    api = Api(over_http(url), people)
    try:
        api.get("customer", "/v1/me")
    except NoAnswer as nobody:
        raise NotTold(f"{nobody}. Is the demo running? Start it with `make run` in another terminal.") from None
    return url, Story(api, outside, patience, tell)


def log_ins(found: dict[str, Any]) -> dict[str, LogIn]:
    """A log-in per role: from a bare token, or from one with name, email and locale. Raises NotTold."""
    if missing := [role for role in NEEDED if role not in found]:
        raise NotTold(f"no token for {', '.join(missing)}: give a JSON file {{role: token}} with --tokens")
    return {role: _log_in(role, found[role]) for role in NEEDED}


def _log_in(role: str, given: Any) -> LogIn:
    known = {"token": given} if isinstance(given, str) else given
    name = known.get("name", f"Story {role}")
    return LogIn(known["token"], name, known.get("email", f"{role}@story.example"), known.get("locale", "en"))


def simulator_at(provider: str | None, mails: str | None) -> Simulator:
    """The simulator that already runs at these two addresses, which are on one host. Raises NotTold."""
    if not provider or not mails:
        raise NotTold("say where the simulated provider and the mail catcher are: --provider URL --mails URL")
    at, mail_at = urlsplit(provider), urlsplit(mails)
    return Simulator(at.hostname or "127.0.0.1", Ports(at.port or 80, 0, mail_at.port or 80))
