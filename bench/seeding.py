"""Orders that are placed, paid and shipped before a measurement begins: in batches, straight to the order service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from bench.books import Books
from bench.shop import Shop
from shared.edge.calls import CallClient
from shared.kernel.calls import Call
from shared.kernel.principal import Principal
from tests.stack import Stack
from tests.suite import PARCEL, TENANT

BATCH = 100
SHOP, AGENT = Principal("integrator", "shop", TENANT), Principal("platform_agent", "agent", TENANT)


class NotSeeded(RuntimeError):
    """The order service refused an order of ours."""


def seed(stack: Stack, shop: Shop, books: Books, numbers: Iterable[int], completed: bool = False) -> None:
    """Make these orders and wait until every service has heard of them. completed: delivered and closed, too."""
    client = CallClient("order", stack.url("order"), stack.secrets["order"])
    for chunk in _chunks(numbers):
        for operation, args in (
            ("order.place", shop.order),
            ("order.capture_payment", _payment(shop)),
            ("order.ship", _parcel(shop)),
            *((("order.deliver", _named(shop)), ("order.complete", _named(shop))) if completed else ()),
        ):
            calls = [_call(shop, operation, number, args(number)) for number in chunk]
            for answer in client.post(calls, 30):
                if not answer.ok:
                    raise NotSeeded(f"{operation}: {answer.body}")
    books.settle(180)


def _payment(shop: Shop) -> Any:
    return lambda number: {"order_id": shop.order_id(number), **shop.payment(number)}


def _named(shop: Shop) -> Any:
    return lambda number: {"order_id": shop.order_id(number)}


def _parcel(shop: Shop) -> Any:
    return lambda number: {"order_id": shop.order_id(number), "parcel": PARCEL}


def _call(shop: Shop, operation: str, number: int, args: dict[str, Any]) -> Call:
    who = AGENT if operation == "order.complete" else SHOP
    return Call(operation, args, who, idempotency_key=f"seed-{operation}-{shop.order_id(number)}")


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    left = iter(numbers)
    while chunk := list(islice(left, BATCH)):
        yield chunk
