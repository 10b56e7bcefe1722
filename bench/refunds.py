"""Refund quotes and refund requests per second, through the gateway, on shipped orders."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import asdict

from bench.books import Books
from bench.commands import answered
from bench.seeding import seed
from bench.shop import Shop
from tests.stack import Stack

ORDERS = 500  # one refund after the other of each: nobody waits for another refund of the same order
CONNECTIONS = 16


def rates(stack: Stack, books: Books, seconds: float) -> dict[str, dict[str, float]]:
    """By what was asked for. A request is reserved, approved by policy, and paid afterwards."""
    shop = Shop(stack, "money")
    seed(stack, shop, books, range(ORDERS))
    port = stack.ports["gateway"]
    asked = {"quotes": (lambda n: shop.quote(n % ORDERS), 200), "requests": (lambda n: shop.line_refund(*turn(n)), 201)}
    found = {}
    for name, (make, good) in asked.items():
        work = answered(port, make, good, itertools.count(), CONNECTIONS, seconds)
        found[name] = {figure: round(value, 2) for figure, value in asdict(asyncio.run(work)).items()}
        books.settle(300)
    return found


def turn(number: int) -> tuple[int, int]:
    """Which order, and which refund of it."""
    return number % ORDERS, number // ORDERS
