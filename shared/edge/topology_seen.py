"""What a service can see of the topology with its own broker user, which has no management API.

A module of its own, since the client of that API is 4 MB that no service needs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from urllib.parse import unquote, urlsplit

import amqp

from shared.edge import topology_plan
from shared.edge.tls import verified_tls
from shared.edge.topology_plan import Plan


def check_passively(connect: Callable[[], amqp.Connection], service: str, plan: Plan | None = None) -> list[str]:
    """What `service` itself can see missing on the broker, with its own rights; empty when it may start.

    `connect` answers an open connection of the service's broker user (see `connector`); each one is closed here.
    Raises what `connect` raises: a broker that is away is no difference, and no reason not to be ready.
    """
    plan = plan or topology_plan.load()
    queue = topology_plan.inbox(service)
    found = [
        f"exchange {name} is missing"
        for name in plan.writes[service]
        if not _exists(connect, "exchange_declare", name, "topic", passive=True)
    ]
    if not _exists(connect, "queue_declare", queue, passive=True):
        found.append(f"queue {queue} is missing")
    elif not _is_quorum(connect, queue):
        found.append(f"queue {queue} is classic instead of quorum")
    return found


def connector(uri: str, seconds: float = 3) -> Callable[[], amqp.Connection]:
    """What opens a connection to `uri`; for `amqps` the broker's certificate and host name are verified."""
    parts = urlsplit(uri)
    secure = parts.scheme == "amqps"
    port = parts.port or (5671 if secure else 5672)

    def connect() -> amqp.Connection:
        connection = amqp.Connection(
            f"{parts.hostname}:{port}",
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            virtual_host=unquote(parts.path[1:]) or "/",
            ssl=verified_tls(parts.hostname) if secure else False,
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
        )
        connection.connect()
        return connection

    return connect


def _exists(connect: Callable[[], amqp.Connection], declare: str, *what: str, passive: bool) -> bool:
    with closing(connect()) as connection:
        try:
            getattr(connection.channel(), declare)(*what, passive=passive)
        except amqp.exceptions.NotFound:
            return False
        return True


def _is_quorum(connect: Callable[[], amqp.Connection], queue: str) -> bool:
    """AMQP tells nobody a queue's type, but only a classic queue serves a reader with channel-wide prefetch.

    A quorum queue answers "not implemented" and the connection is gone, with one line in the broker's log.
    """
    connection = connect()
    try:
        channel = connection.channel()
        channel.basic_qos(prefetch_size=0, prefetch_count=1, a_global=True)
        channel.basic_consume(queue)
    except amqp.exceptions.AMQPNotImplementedError:
        return True
    finally:
        connection.collect()  # a message it may have been given goes back to the queue
    return False
