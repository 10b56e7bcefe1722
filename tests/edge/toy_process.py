"""`python -m tests.edge.toy_process counter|follower`: a toy service as nameko runs it, configured as a real one.

The mood of an event says what handling it does: "sleep 3" takes that long, "die" kills the process.
Every handling is written to the log before it begins.
"""

# ruff: noqa: E402 - the process must be made green before anything else is imported

from __future__ import annotations

import os
import sys

os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
import eventlet

eventlet.monkey_patch()

import logging
import signal
import time
from functools import partial
from typing import Any

from shared.edge import runner
from shared.edge.hosting import Hosted
from shared.edge.nameko import Joined, calls, inbox
from shared.ops.settings import Settings
from tests.runtime import toys


class Toy:
    app = Joined()

    @calls
    def execute(self, batch):  # type: ignore[no-untyped-def]
        return self.app.execute(batch)


class Counter(Toy):
    name = "counter"


class Follower(Toy):
    name = "follower"

    @inbox
    def receive(self, events):  # type: ignore[no-untyped-def]
        self.app.inbox.receive(events)


def react(event: Any) -> None:
    logging.info("handling %s", event.id)
    what, _, how = event.data.get("mood", "").partition(" ")
    if what == "sleep":
        time.sleep(float(how))
    elif what == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "fail":
        raise RuntimeError(how)


def main(name: str) -> int:
    logging.basicConfig(level="INFO", stream=sys.stderr)
    settings = Settings.from_environment()
    app = toys.build(name, settings.database_url(name), moods=toys.Moods(react=react))
    app.create_tables()
    service = {"counter": Counter, "follower": Follower}[name]
    return runner.serve([partial(Hosted, service, app, settings, frozenset({"counter"}))], settings)


if __name__ == "__main__":
    with toys.announced():
        sys.exit(main(sys.argv[1]))
