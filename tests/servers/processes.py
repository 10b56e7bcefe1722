"""Child processes that cannot outlive their parent, free ports, and waiting for a condition."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that the kernel sends this process when its parent is gone


class ServerError(Exception):
    """A server for the tests could not be had, started or reached; the text names the remedy."""


def spawn(command: list[str], *, log: Path, env: dict[str, str], user: str | None = None) -> subprocess.Popen:
    """Start `command` in a session of its own, its output appended to `log`; it is killed when this process dies.

    The kernel kills the process itself and not its children, so `command` has to be the server and not a wrapper.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    account = {"user": user, "group": user, "extra_groups": []} if user and os.geteuid() == 0 else {}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
            **account,
        )


def end(process: subprocess.Popen | None, polite: signal.Signals, patience: float = 10) -> None:
    """Ask with `polite`, then kill the whole session; returns when the process is gone."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(polite)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: subprocess.Popen) -> None:
    """kill -9 the process and everything in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    process.wait()


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that nobody uses at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(ready: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Return as soon as `ready` answers something true; an exception of it counts as not yet."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except ServerError:
            raise
        except Exception as error:  # whatever a server that is still starting answers
            last = error
        time.sleep(0.1)
    raise ServerError(f"{what} did not answer within {seconds:.0f} s ({last})")


def birth(pid: int) -> str | None:
    """When process `pid` started, in the kernel's ticks, or `None` if it is gone: tells it from a later namesake."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
