"""What this machine's database and broker do at most with the same rows and messages, without anything of ours."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time

import amqp
import psycopg2
from psycopg2.extensions import adapt

from bench.books import Books
from shared.edge.link import Link
from tests.servers import Servers
from tests.servers.local import postgres_binary

# what one claim.open commits, and which column of each row has to be new
ROWS = {"claim": "id", "order_case": "id", "event_log": "event_id", "outbox": "event_id", "idempotency": "key"}
BATCH = 200


class Limits:
    """Takes a real claim of the run as its model."""

    def __init__(self, servers: Servers, books: Books, claim_url: str) -> None:
        self._servers = servers
        self._url = servers.database("limit")
        _copy_schema(claim_url, self._url)
        self._script = "".join(["begin;\n", *(_insert(books, table, new) for table, new in ROWS.items()), "commit;\n"])
        self.body: str = books.one("claim", "select data from event_log where type = 'claim.opened' limit 1")

    def commits(self, clients: int, seconds: float) -> float:
        """Transactions a second: the rows of one claim each, by pgbench."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(f"\\set n random(1, 9000000000000000)\n{self._script}")
            script.flush()
            command = [postgres_binary("pgbench"), "-n", "-c", str(clients), "-j", str(min(2, clients))]
            command += ["-T", str(max(1, round(seconds))), "-f", script.name, "-d", self._url]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if not found:
            raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
        return float(found[1])

    def publishes(self, seconds: float) -> float:
        """Messages a second: the event of one claim each, persistent, to a quorum queue, confirms pipelined."""
        vhost = self._servers.vhost("limit")
        link = Link(self._servers.amqp_uri(vhost=vhost), "limit")
        channel = link.open()
        channel.queue_declare("limit", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.confirm_select()
        confirmed = [0]
        channel.events["basic_ack"].add(lambda tag, multiple: confirmed.__setitem__(0, max(confirmed[0], tag)))
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            for _ in range(BATCH):
                message = amqp.Message(self.body, content_type="application/json", delivery_mode=2)
                channel._basic_publish(message, "", "limit")
            sent += BATCH
            while confirmed[0] < sent:
                link.drain(timeout=10)
        link.cut()
        return sent / (time.monotonic() - began)


def _copy_schema(source: str, target: str) -> None:
    dump = subprocess.run([postgres_binary("pg_dump"), "-s", "-d", source], capture_output=True, text=True, check=True)
    connection = psycopg2.connect(target)
    with connection, connection.cursor() as cursor:
        cursor.execute("\n".join(line for line in dump.stdout.splitlines() if not line.startswith("\\")))
    connection.close()


def _insert(books: Books, table: str, new: str) -> str:
    """An INSERT of the table's newest row under a new key, as pgbench writes it."""
    names = [name for (name,) in books.ask("claim", COLUMNS, (table,))]
    row = books.ask("claim", f'select * from {table} order by "{new}" desc limit 1')
    values = dict(zip(names, row[0], strict=True)) if row else {"event_id": "", "committed_at": "now()"}
    written = ["'limit_' || :n || '_' || :client_id" if name == new else _literal(values[name]) for name in names]
    if table == "event_log":  # each its own stream, as each claim is
        written[names.index("aggregate_id")] = "'limit_' || :n || '_' || :client_id"
    return f"insert into {table} values ({', '.join(written)});\n"


def _literal(value: object) -> str:
    quoted = adapt(value)
    if hasattr(quoted, "encoding"):
        quoted.encoding = "utf8"
    return quoted.getquoted().decode().replace("\n", " ")


COLUMNS = "select column_name from information_schema.columns where table_name = %s order by ordinal_position"
