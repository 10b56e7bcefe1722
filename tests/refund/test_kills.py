"""kill -9 of the refund service at random points: what Stripe paid and what we say agree."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from datetime import timedelta

import pytest

from services.simulator import spawn
from tests.refund.conftest import Shop
from tests.refund.kills import work
from tests.suite import START, Suite

KILLS = 50


@pytest.fixture
def processes():
    """A server that forks processes in which everything is imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.refund.kills", "services.refund.app", "stripe"])
    return context


@pytest.mark.timeout(300)
@pytest.mark.capability("R23", "T19")
def test_after_fifty_kills_at_random_points_stripe_and_the_refunds_agree(tmp_path, processes):
    with spawn() as stripe:
        settings = {
            "stripe_api_key": "sk_test_of_the_refund_tests",
            "stripe_api_base": stripe.provider_url,
            "provider_timeout": 2.0,
        }
        shop = Shop(Suite(tmp_path / "data", ["order", "refund"], **settings), stripe)
        orders = [shop.order(str(4000 + number), shipped=True)["id"] for number in range(KILLS)]
        stripe.faults(slow=0.02)  # so that many kills strike during a call
        dice = random.Random(23)

        killed, whole = 0, 30.0  # seconds that a run takes here: what the last one took that nobody killed
        for number in range(KILLS):
            start = START + timedelta(seconds=40 * number)  # beyond the lease of the jobs that were left behind
            mine = orders[max(0, number - 1) : number + 1]  # its own, and the one that was cut short before
            began = time.monotonic()
            after = whole * dice.uniform(0.1, 1.0) if number > 1 else 30.0
            if _kill_one(processes, tmp_path, start, settings, mine, after):
                killed += 1
            else:
                whole = time.monotonic() - began
        stripe.clear_faults()
        shop.suite.clock.advance(seconds=40 * KILLS)
        for order_id in orders:
            shop.request({"id": order_id}, "post_shipment_order", key=f"key-{order_id}")
        for _ in range(4):
            shop.suite.advance(minutes=6)

        assert killed >= KILLS // 2
        _agree(shop, stripe, orders)


def _kill_one(processes, folder, start, settings, orders, after: float) -> bool:
    """Run the service for `after` seconds and kill it; False when it was done before."""
    process = processes.Process(target=work, args=(str(folder / "data"), start.isoformat(), settings, orders))
    process.start()
    process.join(after)
    alive = process.is_alive()
    if alive:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    return alive


def _agree(shop, stripe, orders) -> None:
    """One refund per order, succeeded, and the same one at Stripe."""
    for number, order_id in enumerate(orders):
        (ours,) = shop.refunds({"id": order_id})
        (theirs,) = stripe.refunds(f"pi_{4000 + number}")
        assert (ours["state"], ours["amount"]["amount"]) == ("succeeded", theirs["amount"])
        assert (ours["id"], ours["provider_ref"]) == (theirs["metadata"]["refund_id"], theirs["id"])
    numbers = [note["number"] for note in shop.told("credit_note.issued")]
    assert sorted(numbers) == [f"AV-2026-{n:06d}" for n in range(1, len(orders) + 1)]
