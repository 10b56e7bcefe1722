"""Processes for stacks under test, forked from one that has imported everything: a stack is up in a second, not in ten.

Each is the product's own, `aftersale run SERVICE`, on the clock that the test moves. What differs from production is
said in `prepare` and nowhere else: where the time comes from, how often a worker looks for what is due or left
over, that nothing lingers because its events seem old, and that the gateway waits for a slow machine.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from weakref import WeakKeyDictionary

from services import cli

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG: whatever ends the tests ends their processes
LOOK_EVERY = 0.2  # seconds; a test that moves the clock waits for this
SWEEP_EVERY = 5.0  # seconds; how old an event is cannot say whether it was left over where time stands still or leaps
PATIENCE = 30.0  # seconds that the gateway waits for a service: its own deadlines are tested where services hang
# The real one is 30 seconds: this is told from what was put off by half a minute (tests/real/quiet.py).
LEASE = timedelta(seconds=30, microseconds=1)
ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """A process of the nursery's, with what `subprocess.Popen` offers of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs; how it ended is not known."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 30) -> int:
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("forked", timeout)
            time.sleep(0.005)
        return 0


class Nursery:
    """Asks the nursery's process for children. It ends with this process: its input does."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.real.nursery"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, start_new_session=True)

    def fork(self, service: str, environment: dict[str, str], log: Path) -> Forked:
        order = {"service": service, "environment": environment, "log": str(log)}
        orders, children = self._process.stdin, self._process.stdout
        assert orders is not None
        assert children is not None
        orders.write(json.dumps(order).encode() + b"\n")
        orders.flush()
        return Forked(int(children.readline()))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def prepare() -> None:
    """Import what all children need, and make them processes of a test."""
    cli._make_green()  # before anything else is imported, as the command itself does it
    from services.gateway import clients, compose
    from shared.edge import consumer, relay, runner, workers
    from shared.kernel.clock import SystemClock
    from shared.runtime import jobs, unit_of_work
    from tests.real.clock import StoppedClock

    for name in cli.SERVICES:  # the gateway with them
        import_module(f"services.{name}.{'app' if name == 'gateway' else 'service'}")
    assert runner

    found: list[StoppedClock] = []

    def now(_clock: SystemClock) -> object:
        if not found:
            found.append(StoppedClock(Path(os.environ["TEST_CLOCK"]), on_new_start=_forget))
        return found[0].now()

    SystemClock.now = now  # type: ignore[method-assign, assignment]
    workers.TEND_EVERY = LOOK_EVERY
    relay.LONGEST = consumer.LONGEST = 0.0
    relay.SWEEP_AFTER, relay.SWEEP_EVERY = timedelta(), SWEEP_EVERY
    jobs.JOB_LEASE = unit_of_work.JOB_LEASE = LEASE
    clients.PATIENCE = compose.DEADLINE = PATIENCE


def _forget() -> None:
    """What services remember of a database that was emptied: all of it is kept by the database's engine."""
    for name, module in list(sys.modules.items()):
        if name.startswith("services."):
            for value in vars(module).values():
                for kept in (value, getattr(value, "_known", None)):
                    if isinstance(kept, WeakKeyDictionary):
                        kept.clear()


def main() -> int:
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for line in sys.stdin.buffer:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            return _run(**order)
        os.write(1, f"{child}\n".encode())
    return 0


def _run(service: str, environment: dict[str, str], log: str) -> int:
    from eventlet import hubs

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    hubs.use_hub()  # a poll of its own: of one that was made before the fork, each child gets what wakes the others
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, written), (2, written)):
        os.dup2(file, number)
    return cli.main(["run", service])


if __name__ == "__main__":
    sys.exit(main())
