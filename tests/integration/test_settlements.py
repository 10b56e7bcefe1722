"""Paying out and complaining at the same moment, on running processes: nothing is paid out over an open problem."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from threading import Barrier

import pytest

from shared.kernel.clock import moment
from tests.integration.live import eventually
from tests.patience import within

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
RACES = 100
AT_ONCE = 6
LATEST = 0.5  # seconds: by then a settlement is through, on a machine with a core free
FOR_EVER = datetime.max.replace(tzinfo=UTC)


def completed(shop, number):
    """A completed order that the claim service knows."""
    order = shop.order(str(number))
    shop.agent.post(f"/v1/orders/{order['id']}:complete")

    def reasons() -> set[str]:
        found = shop.customer.get(f"/v1/claim-reasons?order_id={order['id']}")["items"]
        return {reason["code"] for reason in found}

    eventually(lambda: "damaged_items" in reasons())  # the claim service has heard that it arrived
    return order


def settlement(shop, order, *states):
    def there():
        found = shop.agent.get(f"/v1/orders/{order['id']}")["settlement"]
        assert found["state"] in states, found
        return found

    return eventually(there)


def at_once(number, *calls):
    """The first leaves at once, the other in the same moment or, from race to race, a little later; their answers."""
    start = Barrier(len(calls))

    def run(call, after):
        start.wait()
        time.sleep(after)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, (0, within(LATEST) * (number % 20) / 20)))


def race(shop, number):
    """Even: the customer reports a problem while the platform pays out. Odd: he withdraws one."""
    order = completed(shop, number)
    customer, agent = shop.caller("customer", "user_ada", shop.ref("ada")), shop.caller("platform_agent", "agt_1")
    settle = partial(agent.send, "POST", f"/v1/orders/{order['id']}:settle", {"payout_ref": f"po_{number}"})
    if number % 2:
        claim = shop.report(order)
        settlement(shop, order, "held")
        paying, withdrawing = at_once(
            number, settle, partial(customer.send, "POST", f"/v1/claims/{claim['id']}:withdraw")
        )
        assert withdrawing.status_code == 200, withdrawing.text
        assert paying.ok or paying.json()["code"] == "OPEN_CLAIM", paying.text
        return settlement(shop, order, "settled", "releasable")["state"]
    body = {"reason_code": "damaged_items", "text": "It came in pieces."}
    paying, reporting = at_once(
        number, settle, partial(customer.send, "POST", f"/v1/orders/{order['id']}/issues", body)
    )
    assert reporting.status_code == 201, reporting.text
    assert paying.ok or paying.json()["code"] == "OPEN_CLAIM", paying.text
    return settlement(shop, order, "settled", "held")["state"]


def told(shop, type):
    """(time, data) of the events of this type that were heard."""
    heard = [event for event in shop.events if event["type"] == type]
    return [(moment(event["headers"]["ce-time"]), json.loads(event["body"])) for event in heard]


@pytest.mark.capability("R26", "I8", "S2-20")
def test_in_a_hundred_races_nothing_is_settled_while_a_problem_is_open(shop):
    shop.listen()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(partial(race, shop), range(RACES)))
    shop.hear("settlement.settled", ends.count("settled"))
    shop.hear("claim.opened", RACES)
    shop.hear("claim.withdrawn", RACES // 2)

    settled = {data["order_id"]: time for time, data in told(shop, "settlement.settled")}
    ended = {data["claim_id"]: time for time, data in told(shop, "claim.withdrawn")}
    held = [(time, data["claim_id"], data["order_id"]) for time, data in told(shop, "claim.opened") if data["hold"]]
    paid_over = [
        claim for time, claim, order in held if order in settled and time < settled[order] < ended.get(claim, FOR_EVER)
    ]
    assert paid_over == []
    assert {"settled", "held"} <= set(ends[::2]), "each side wins now and then, or nothing raced"
