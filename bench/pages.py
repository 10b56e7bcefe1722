"""How long a page of the claim list and an order's page take among ten thousand and among a million claims."""

from __future__ import annotations

import time

from bench.books import Books
from bench.journeys import percentile
from bench.line import Line, connect
from bench.shop import CUSTOMERS, SELLERS, Shop

FULL = 50
LISTS = {
    "newest": f"limit={FULL}",
    "of a state": f"limit={FULL}&state=submitted",  # as those that were accepted are
    "of a seller": f"limit={FULL}&seller_id=sel_3",
}
STATES = "array['submitted', 'in_progress', 'resolved', 'closed']"


def fill(books: Books, count: int, orders: str) -> None:
    """Bring the claim table to `count` rows: copies of a real claim, spread over customers, sellers, states, a year.

    orders: the ids of orders without their number; the copies lie on the first thousand of them.
    """
    there = books.one("claim", "select count(*) from claim")
    if count <= there:
        return
    columns = [name for (name,) in books.ask("claim", COLUMNS)]
    changed = {
        "id": "'clm_fill_' || n",
        "order_id": f"'{orders}' || n % 1000",
        "customer_ref": f"'cus_' || n % {CUSTOMERS}",
        "seller_id": f"'sel_' || n % {SELLERS}",
        "state": f"({STATES})[1 + n % 4]",
        "awaiting": "case when n % 4 < 2 then awaiting end",
        "updated_at": "now() - n * interval '30 seconds'",
    }
    chosen = ", ".join(changed.get(name, name) for name in columns)
    statement = f"""insert into claim select {chosen} from (select * from claim limit 1) model,
        generate_series({there}, {count - 1}) n"""
    books.ask("claim", "set statement_timeout = 0")
    books.ask("claim", statement)
    books.ask("claim", "vacuum analyze claim")


async def latencies(shop: Shop, port: int, order: int, times: int) -> dict[str, float]:
    """Median milliseconds of each page, one request after the other."""
    line = await connect(port)
    found = {}
    for name, query in LISTS.items():
        request = shop.list_claims(query)
        if len((await line.ask(request)).json()["items"]) < FULL:
            raise RuntimeError(f"the page of claims, {name}, is not full: it would be compared with one that is")
        found[f"claims, {name}"] = await _median(line, request, times)
    found["order page"] = await _median(line, shop.page(order), times)
    line.close()
    return found


async def _median(line: Line, request: bytes, times: int) -> float:
    taken = []
    for _ in range(times + 5):
        sent = time.perf_counter()
        reply = await line.ask(request)
        taken.append(time.perf_counter() - sent)
        if reply.status != 200:
            raise RuntimeError(f"{request.split(b' HTTP')[0].decode()}: {reply.status} {reply.body[:300]!r}")
    return round(percentile(taken[5:], 0.5), 2)  # the first ones fill caches


COLUMNS = "select column_name from information_schema.columns where table_name = 'claim' order by ordinal_position"
