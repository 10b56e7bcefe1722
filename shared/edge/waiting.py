"""How a green thread waits for PostgreSQL: a moment in the kernel before it lets the others run.

Nearly every statement of a batch is answered within a millisecond. Going through the hub for it (register, poll,
switch, unregister) costs more CPU than the others could use meanwhile.
"""

from __future__ import annotations

from typing import Any

import eventlet
from eventlet.hubs import trampoline
from psycopg2 import OperationalError, extensions

select = eventlet.patcher.original("select")
MOMENT_MS = 1


def wait_in_the_kernel_first() -> None:
    """From now on, in this process. After eventlet.monkey_patch, which sets its own way."""
    extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        if state not in (extensions.POLL_READ, extensions.POLL_WRITE):
            raise OperationalError(f"unexpected state of the connection: {state}")
        reads = state == extensions.POLL_READ
        if not _answered(connection.fileno(), reads):
            trampoline(connection.fileno(), read=reads, write=not reads)


def _answered(descriptor: int, reads: bool) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN if reads else select.POLLOUT)
    return bool(poll.poll(MOMENT_MS))
