"""How long the desk takes to find claims: first page, filters, search and counts, among ten thousand or a million.

`python -m bench.desk [--claims 1000000]` starts a database of its own, fills the claim table, asks the claim service in
this process, prints p50 and p99 with the limit beside them and writes them to `bench/results/`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from bench.journeys import percentile
from bench.processes import machine
from bench.report import RESULTS
from services.claim.app import build
from services.claim.model import Asking, Claim, Complaint, OrderCase, open_claim
from services.claim.profiles import PROFILES
from services.claim.storage import SEARCH_INDEX, STORAGE, claims, order_cases
from shared.kernel.calls import Call
from shared.ops.settings import Settings
from shared.runtime.app import App
from tests.servers import obtain
from tests.suite import TENANT, agent, customer, seller

LIMIT = 50  # ms at the 99th percentile, on a machine that does nothing else
OPEN = ["submitted", "in_progress", "solution_proposed", "platform_review"]
# What is asked. Numbers are of claims that exist at every size; the last two find nothing.
ASKED: dict[str, dict[str, Any]] = {
    "first page": {},
    "open": {"state": OPEN},
    "closed": {"state": ["closed"]},
    "oldest": {"order": "oldest", "state": OPEN},
    "category": {"category": "prospect"},
    "handler": {"handler": "platform"},
    "reason": {"reason_code": "other"},
    "marketplace": {"marketplace": "mkt7"},
    "brand, large": {"seller_id": "sel_0"},
    "brand, small": {"seller_id": "sel_499"},
    "customer": {"customer_ref": "cus_17"},
    "awaited": {"awaiting": "seller"},
    "assignee": {"assignee": "coo_3"},
    "nobody's": {"assignee": "none"},
    "overdue": {"overdue": True},
    "order number": {"q": "ord-5000"},
    "number": {"q": "ord-5000-1"},
    "customer's reference": {"q": "cus_5555"},
    "common word": {"q": "broken"},
    "rare word": {"q": "part1990"},
    "two words": {"q": "broken part150"},
    "word of a brand": {"q": "part77", "seller_id": "sel_3"},
    "three filters": {"state": ["refused"], "marketplace": "mkt5", "reason_code": "other"},
    "closed, two filters": {"state": ["closed"], "category": "contact", "marketplace": "mkt4"},
    "nothing, filters": {"category": "withdrawal", "handler": "coordinators"},
    "nothing, search": {"q": "zzzz"},
}
# n is the number of a claim, from the one that changed last on. What is old is mostly closed.
FILLED = {
    "id": "'clm_fill_' || n",
    "number": "'ord-' || n || '-1'",
    "order_number": "'ord-' || n",
    "order_id": "'ord_' || n",
    "customer_ref": "'cus_' || n * 7919 % 200000",
    "seller_id": "'sel_' || floor(power(random(), 3) * 500)::int",
    "state": "case when n % 25 = 0 then (array['submitted', 'in_progress', 'solution_proposed', 'platform_review'])"
    "[1 + n / 25 % 4] when n % 20 = 1 then (array['resolved', 'refused', 'withdrawn', 'merged'])[1 + n / 20 % 4]"
    " else 'closed' end",
    "handler": "case when n % 50 = 0 then 'platform' else 'seller' end",
    "category": "case when n % 10 < 8 then 'after_sales' when n % 10 = 8 then 'contact' else 'prospect' end",
    "marketplace": "'mkt' || floor(power(random(), 2) * 8)::int",
    "reason_code": "(array['damaged_items', 'defective_items', 'missing_items', 'wrong_goods', 'incorrect_invoice',"
    " 'late_delivery', 'not_delivered', 'payment_problem', 'other'])[1 + n * 31 % 9]",
    "awaiting": "case when n % 25 = 0 then (array['seller', 'requester', 'platform'])[1 + n % 3] end",
    "assignee": "case when n % 100 = 3 then 'coo_' || n % 7 end",
    "due_at": "case when n % 25 = 0 then now() - (n % 200 - 100) * interval '1 hour' end",
    "updated_at": "now() - n * interval '30 seconds'",
    "opened_at": "now() - n * interval '30 seconds' - interval '1 day'",
    "title": "'Broken part' || part",
    "words": "' broken part' || part || ' ord' || n || '1 ord ' || n || ' 1 ord' || n || ' cus'"
    " || n * 7919 % 200000 || ' cus ' || n * 7919 % 200000 || ' '",
}


def fill(url: str, app: App, count: int) -> None:
    """Copies of one real claim, spread over everything that can be filtered; indexes are made afterwards."""
    case = OrderCase(
        id="ord_0", tenant=TENANT, number="ord-0", marketplace="main", profile="issue", customer_ref="cus_1",
        seller_id="sel_1", currency="EUR", total=1000, phase="delivered", lines=[],
    )  # fmt: skip
    asking = Asking(customer(), datetime.now(UTC), "delivered")
    profile = PROFILES.newest("issue")
    assert profile is not None
    claim = open_claim(asking, profile, case, Complaint("clm_0", "msg_0", "The lamp is broken.", "damaged_items"))
    row = STORAGE.mappings[Claim].to_row(claim) | {"prev": 0, "version": 1, "seq": 1}
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("select indexname, indexdef from pg_indexes where tablename = 'claim' and indexname <> 'claim_pkey'")
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"drop index {name}")
    order = STORAGE.mappings[OrderCase].to_row(case) | {"prev": 0, "version": 1, "seq": 1}
    with app.database.transaction() as opened:
        opened.execute(claims.insert().values(**row))
        opened.execute(order_cases.insert().values(**order))
    _copy(cursor, claims, FILLED, count)
    _copy(cursor, order_cases, {"id": FILLED["order_id"], "number": FILLED["order_number"]}, count)
    cursor.execute("set maintenance_work_mem = '512MB'")
    for name, definition in indexes:
        cursor.execute(SEARCH_INDEX if name == "claim_search" else definition)
    cursor.execute("vacuum analyze claim")
    cursor.execute("vacuum analyze order_case")
    connection.close()


def _copy(cursor: Any, table: Any, filled: dict[str, str], count: int) -> None:
    """Rows 1 to `count` - 1, like the one that is there but for what is `filled`."""
    columns = [column.name for column in table.c]
    chosen = ", ".join(filled.get(name, name) for name in columns)
    part = "floor(power(random(), 4) * 2000)::int as part"
    cursor.execute(
        f"insert into {table.name} ({', '.join(columns)}) select {chosen} from (select * from {table.name}) model,"
        f" (select n::bigint, {part} from generate_series(1, {count - 1}) n) numbers"
    )


def measure(app: App, times: int) -> Iterator[tuple[str, int, float, float, float]]:
    """Each question, how many it found, milliseconds at p50 and p99, and of processor time in both processes."""
    with app.database.transaction() as connection:
        backend = connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
    asked = [(name, "claim.list", agent(), {"limit": 50, **args}) for name, args in ASKED.items()]
    asked += [("a brand's own", "claim.list", seller("sel_3"), {"limit": 50})]
    asked += [("count of a search", "claim_count.get", agent(), {"q": "broken", "state": OPEN})]
    asked += [("counts per state", "claim_count.list", agent(), {})]
    for name, operation, who, args in asked:
        taken, spent = [], 0.0
        for turn in range(times + 3):
            spent = _spent(backend) if turn == 3 else spent
            began = time.perf_counter()
            answer = app.execute([Call(operation, dict(args), who)])[0]
            taken.append(time.perf_counter() - began)
            if not answer.ok:
                raise RuntimeError(f"{name}: {answer.body}")
        used = (_spent(backend) - spent) * 1000 / times
        yield name, len(answer.body.get("items", ())), percentile(taken[3:], 0.5), percentile(taken[3:], 0.99), used


def _spent(backend: int) -> float:
    """Processor seconds of this process and, where it runs on this machine, of its connection to the database."""
    scheduled = Path(f"/proc/{backend}/schedstat")
    there = int(scheduled.read_text().split()[0]) / 1e9 if scheduled.exists() else 0.0
    return time.process_time() + there


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.desk", description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=50, help="how often each question is asked")
    arguments = parser.parse_args()
    where = machine()
    with obtain() as servers:
        url = servers.database("desk")
        app = build(Settings(database=url))
        app.create_tables()
        fill(url, app, arguments.claims)
        rows = list(measure(app, arguments.times))
        app.database.dispose()
    lines = [
        f"# The desk among {arguments.claims} claims",
        "",
        f"{where['cores']} cores ({where['processor']}), load {where['load_before']} before; {servers.describe()}.",
        f"`python -m bench.desk --claims {arguments.claims}`: the claim service's answer, without the way over HTTP.",
        "",
        f"| asked | found | p50 ms | p99 ms | of {LIMIT} ms | processor ms |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {found} | {p50:.1f} | {p99:.1f} | {p99 / LIMIT:.2f} | {used:.1f} |"
            for name, found, p50, p99, used in rows
        ),
    ]
    print("\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-desk-{arguments.claims}.md"
    name.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
