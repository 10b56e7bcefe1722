"""The process that holds the servers of one test run: it starts them, takes orders, and ends them with its owner.

A process of its own, so that it stays out of eventlet's way, any worker of a parallel run may order a restart of the
broker, and nothing is left behind when the tests are killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.servers.containers import ContainerServers, unavailable
from tests.servers.local import LocalServers
from tests.servers.processes import ServerError, birth
from tests.servers.reach import versions

ORDERS = ("start_broker", "kill_broker", "restart_broker", "alarm_broker", "calm_broker", "stop")


def main(argv: list[str]) -> int:
    """`python -m tests.servers.keeper WAY STATE OWNER`: serve until told to stop or process OWNER is gone.

    WAY is `containers`, `local` or empty for the first that works. STATE is the file that tells others where the
    servers are, or why there are none.
    """
    way, state, owner = argv[0], Path(argv[1]), int(argv[2])
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the owner decides
    born = birth(owner)
    with tempfile.TemporaryDirectory(prefix="aftersale-servers-", ignore_cleanup_errors=True) as folder:
        servers = None
        try:
            servers = _start(way, Path(folder))
            control = Path(folder) / "control"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(control))
                listener.listen()
                listener.settimeout(0.5)
                _publish(state, _description(servers, control))
                _serve(listener, servers, lambda: birth(owner) == born)
        except ServerError as error:
            _publish(state, {"error": str(error)})
            return 1
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: let the clean-up finish
            if servers:
                servers.stop()
            _withdraw(state)
    return 0


def _leave(*_: object) -> None:
    sys.exit(0)


def _start(way: str, folder: Path) -> ContainerServers | LocalServers:
    if way == "containers" or (not way and unavailable() is None):
        return ContainerServers()
    return LocalServers(folder)


def _description(servers: ContainerServers | LocalServers, control: Path) -> dict:
    return {
        "pid": os.getpid(),
        "born": birth(os.getpid()),
        "way": f"{servers.way}: {versions(servers.broker, servers.database)}",
        "broker": asdict(servers.broker),
        "database": asdict(servers.database),
        "control": str(control),
    }


def _publish(state: Path, content: dict) -> None:
    """Write at once or not at all: others look while we write."""
    draft = state.with_suffix(".draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.chmod(0o600)  # it holds passwords
    draft.rename(state)


def _withdraw(state: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        if json.loads(state.read_text(encoding="utf-8")).get("pid") == os.getpid():
            state.unlink()
            state.with_suffix(".lock").unlink(missing_ok=True)


def _serve(listener: socket.socket, servers: ContainerServers | LocalServers, owner_lives: object) -> None:
    while owner_lives():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(5)
            order = connection.recv(64).decode().strip()
            if order == "stop":
                connection.sendall(b"done")
                return
            connection.sendall(_obey(servers, order).encode())


def _obey(servers: ContainerServers | LocalServers, order: str) -> str:
    if order not in ORDERS:
        return f"unknown order {order!r}"
    try:
        getattr(servers, order)()
    except Exception as error:  # the caller shall see it, and the next order may still succeed
        return f"{order} failed: {error}"
    return "done"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
