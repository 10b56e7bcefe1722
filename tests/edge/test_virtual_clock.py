"""The virtual clock over six processes: one call moves all of them (N5, U-05)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.simulator import Ports, Simulator
from shared.kernel.clock import moment
from tests.integration.live import Live, eventually
from tests.servers import shared_by_the_run
from tests.stack import Stack

pytestmark = pytest.mark.servers


@pytest.mark.timeout(300)
@pytest.mark.capability("N5", "U-05")
def test_six_processes_travel_28_days_and_a_month_and_keep_what_fell_due():
    """A stack of its own: travelling would make every other test late."""
    servers = shared_by_the_run()
    with Stack(servers, "travel", VIRTUAL_CLOCK="true") as stack:
        nobody = Simulator("127.0.0.1", Ports(0, 0, 0))
        live = Live(stack.url(), stack.jwt_secret, servers.amqp_uri(vhost=stack.vhost), nobody)
        shop = live.shop()
        claim = shop.report(shop.order(pay=False, ship=False), reason="incorrect_invoice")
        platform = shop.agent
        platform.post(f"/v1/claims/{claim['id']}:resolve")
        before = moment(platform.get("/v1/_clock")["now"])
        arrived = platform.post("/v1/_clock/advance", {"days": 28})
        # on a busy machine the way takes longer than one request: then the rest is done on arrival
        assert arrived["settled"] or platform.post("/v1/_clock/advance", {"seconds": 1})["settled"]
        assert all(moment(at) - before >= timedelta(days=28) for at in arrived["services"].values())
        assert platform.get(f"/v1/claims/{claim['id']}")["state"] == "resolved"
        stack.terminate("claim")
        stack.start("claim")
        # nobody travels on: the fresh process finds the time of the others by itself
        claims = lambda: moment(platform.get("/v1/_clock")["services"]["claim"])  # noqa: E731
        eventually(lambda: claims() - before >= timedelta(days=28))
        platform.post("/v1/_clock/advance", {"months": 1})
        eventually(lambda: platform.get(f"/v1/claims/{claim['id']}")["state"] == "closed")
        eventually(lambda: platform.get(f"/v1/claims/{claim['id']}")["thread"]["state"] == "closed")
        assert platform.refused("POST", "/v1/_clock/advance", {"days": -1})["code"] == "CLOCK_MOVED_BACK"
