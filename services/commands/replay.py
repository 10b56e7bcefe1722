"""`aftersale replay --service X --to QUEUE`: past events of a service to one queue, for a new subscriber (U-13)."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from importlib import import_module

from shared.edge.link import BROKEN
from shared.edge.relay import NoSuchQueue, Publisher
from shared.ops.settings import SERVICES, Settings
from shared.runtime.replay import replay


def main(argv: list[str]) -> int:
    """0 when all was sent, 1 when not; sending again is harmless. AMQP_URI is of a user who may write to any queue."""
    parser = argparse.ArgumentParser(prog="aftersale replay", description="Bind the queue first, then replay.")
    parser.add_argument("--service", required=True, choices=SERVICES, help="whose events")
    parser.add_argument("--to", required=True, metavar="QUEUE")
    parser.add_argument("--stream", action="append", default=[], help="only this one, for example order; repeatable")
    parser.add_argument("--since", type=_moment, help="leave out what ended before this time")
    options = parser.parse_args(argv)
    settings = Settings.from_environment()
    if not settings.amqp_uri:
        print("replay: set AMQP_URI to the operator's", file=sys.stderr)
        return 1
    app = import_module(f"services.{options.service}.app").build(settings)
    publisher = Publisher(settings.amqp_uri, f"replay of {options.service}", queue=options.to)
    try:
        sent = replay(app, publisher.publish, options.stream, options.since)
    except (*BROKEN, NoSuchQueue) as failed:
        print(f"replay: stopped, start it again when this is solved: {failed}", file=sys.stderr)
        return 1
    finally:
        publisher.link.cut()
        app.database.dispose()
    print(f"replay: {sent} events of {options.service} sent to {options.to}")
    return 0


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
