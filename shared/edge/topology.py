"""Bring the broker to what `topology.yaml` says, and name every difference from it.

`apply` and `check` walk the same differences over the management API; `apply` mends each before it looks for the next.
A service's own broker user sees no management API: it uses `check_passively`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from urllib.parse import unquote, urlsplit

import amqp
from environs import FileAwareEnv

from shared.edge import topology_plan
from shared.edge.management import Management, ManagementError
from shared.edge.tls import verified_tls
from shared.edge.topology_differences import TopologyError, differences
from shared.edge.topology_plan import Plan

__all__ = ["ManagementError", "TopologyError", "apply", "check", "check_passively", "connector", "main"]


def apply(
    management_url: str,
    admin_user: str,
    admin_password: str,
    vhost: str,
    passwords: Mapping[str, str],
    plan: Plan | None = None,
) -> list[str]:
    """Mend every difference and say what was changed; nothing left to change answers an empty list.

    `passwords` maps every broker user of the topology to its password. Raises `TopologyError` for what only a person
    can decide, after everything else is mended, and `ManagementError` when the broker refuses or does not answer.
    """
    plan = plan or topology_plan.load()
    absent = [user for user in plan.users if not passwords.get(user)]
    if absent:
        raise TopologyError(f"no password given for the broker users {', '.join(absent)}")
    changed, stuck = [], []
    with closing(Management(management_url, admin_user, admin_password, vhost)) as api:
        for difference in differences(api, plan, passwords):
            if difference.mend is None:
                stuck.append(difference.what)
            else:
                difference.mend()
                changed.append(difference.done)
    if stuck:
        raise TopologyError("; ".join(stuck))
    return changed


def check(
    management_url: str,
    admin_user: str,
    admin_password: str,
    vhost: str,
    passwords: Mapping[str, str] | None = None,
    plan: Plan | None = None,
) -> list[str]:
    """Every difference between the broker and the topology, one sentence each; changes nothing.

    Without `passwords` the broker users must exist, with whatever password.
    """
    with closing(Management(management_url, admin_user, admin_password, vhost)) as api:
        return [difference.what for difference in differences(api, plan or topology_plan.load(), passwords or {})]


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


def main(argv: list[str]) -> int:
    """`aftersale topology apply|check`: 0 when the broker is as written, 1 when it differs, 2 when it cannot be told.

    Reads RABBIT_MANAGEMENT_URL, RABBIT_ADMIN_USER, RABBIT_ADMIN_PASSWORD, RABBIT_VHOST and one BROKER_PASSWORD_<USER>
    per broker user; each may be given as a file in <NAME>_FILE.
    """
    parser = argparse.ArgumentParser(prog="aftersale topology", description="What stands on the broker.")
    parser.add_argument("action", choices=["apply", "check"])
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="for a broker that is still starting")
    options = parser.parse_args(argv)
    env, plan = FileAwareEnv(), topology_plan.load()
    broker = (
        env.str("RABBIT_MANAGEMENT_URL", "http://localhost:15672"),
        env.str("RABBIT_ADMIN_USER", "guest"),
        env.str("RABBIT_ADMIN_PASSWORD", "guest"),
        env.str("RABBIT_VHOST", "/"),
    )
    passwords = {user: env.str(f"BROKER_PASSWORD_{user.upper()}", "") for user in plan.users}
    try:
        _wait_for(broker, options.wait)
        lines = apply(*broker, passwords) if options.action == "apply" else check(*broker, passwords)
    except (ManagementError, TopologyError) as error:
        print(f"topology: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(f"topology: {line}")
    if options.action == "check" and lines:
        return 1
    print("topology: the broker is as written")
    return 0


def _wait_for(broker: tuple[str, str, str, str], seconds: float) -> None:
    """Return when the management API answers; its `ManagementError` after that many seconds."""
    deadline = time.monotonic() + seconds
    with closing(Management(*broker)) as api:
        while True:
            try:
                api.version()
                return
            except ManagementError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)
