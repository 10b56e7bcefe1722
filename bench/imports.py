"""`aftersale import orders`: paid orders a second into SQLite and PostgreSQL, and the same rows written alone.

python -m bench.imports [ORDERS]
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psycopg2

from bench.processes import peak_memory
from tests.servers import Servers, obtain
from tests.stack import ROOT
from tests.suite import order_args

CUSTOMERS = 5_000
BATCH = 500  # orders of one transaction, as the import has it


def rates(servers: Servers, orders: int) -> dict[str, dict[str, float]]:
    """By database: orders a second from the command's start to its end, its peak memory, and the rows alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_orders(folder / "orders.jsonl", orders)
        url = servers.database("import")
        return {
            "sqlite": _measured(folder, orders, {"DATA_DIR": name}, lambda: _sqlite_alone(folder)),
            "postgresql": _measured(folder, orders, {"DATABASE_URL": url}, lambda: _postgres_alone(url, folder)),
        }


def write_orders(path: Path, count: int) -> None:
    with path.open("wb") as file:
        for number in range(count):
            ref = f"cus_{number % CUSTOMERS}"
            customer = {"ref": ref, "name": f"Customer {ref}", "email": f"{ref}@customer.example", "locale": "fr"}
            payment = {"payment_id": f"pay_{number}", "provider": "stripe", "provider_ref": f"pi_{number}"}
            payment["amount"] = {"amount": 17490, "currency": "EUR"}
            file.write(orjson.dumps(order_args(str(number), customer=customer, payment=payment)) + b"\n")


def _measured(folder: Path, orders: int, database: dict[str, str], alone: Any) -> dict[str, float]:
    _aftersale(database, "migrate", "order")
    began = time.monotonic()
    used, peak = _aftersale(database, "import", "orders", str(folder / "orders.jsonl"), "--tenant", "shop")
    took = time.monotonic() - began
    limit = alone()
    return {
        "per_second": round(orders / took),
        "per_cpu_second": round(orders / (used.ru_utime + used.ru_stime)),
        "memory_mb": round(peak),
        "rows_alone_per_second": round(orders / limit),
        "of_rows_alone": round(limit / took, 3),
    }


def _aftersale(database: dict[str, str], *arguments: str) -> tuple[Any, float]:
    """What the command used and its peak memory in MB; it must succeed."""
    command = [sys.executable, "-m", "services.cli", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **database}, stdout=subprocess.DEVNULL)
    peak, ended = 0.0, 0
    while not ended:
        time.sleep(0.05)
        peak = max(peak, peak_memory(process.pid))
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"aftersale {' '.join(arguments)}: {process.returncode}")
    return used, peak


def _sqlite_alone(folder: Path) -> float:
    """Seconds for the same rows into an empty file of the same schema, by executemany."""
    full, empty = sqlite3.connect(folder / "order.db"), sqlite3.connect(folder / "empty.db")
    empty.execute("pragma journal_mode=wal")
    empty.execute("pragma synchronous=normal")
    schema = full.execute("select type, name, sql from sqlite_master where sql is not null").fetchall()
    for _, _, statement in sorted(schema, key=lambda each: each[0] != "table"):
        empty.execute(statement)
    spent = 0.0
    for name in (name for type, name, _ in schema if type == "table"):
        rows = full.execute(f"select * from {name}")
        slots = ", ".join("?" for _ in rows.description)
        while some := rows.fetchmany(BATCH):
            began = time.perf_counter()
            with empty:
                empty.executemany(f"insert into {name} values ({slots})", some)
            spent += time.perf_counter() - began
    return spent


def _postgres_alone(url: str, folder: Path) -> float:
    """Seconds for COPY of the same rows into tables like those, indexes included."""
    connection, spent = psycopg2.connect(url), 0.0
    with connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        for (name,) in cursor.fetchall():
            with (folder / "rows").open("wb+") as rows:
                cursor.copy_expert(f'copy "{name}" to stdout', rows)
                cursor.execute(f'create table "alone_{name}" (like "{name}" including all)')
                rows.seek(0)
                began = time.perf_counter()
                cursor.copy_expert(f'copy "alone_{name}" from stdin', rows)
                spent += time.perf_counter() - began
    connection.close()
    return spent


if __name__ == "__main__":
    with obtain() as given:
        for kind, found in rates(given, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000).items():
            print(kind, found)
