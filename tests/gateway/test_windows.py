"""The last day of refunds ends at midnight where the marketplace is, whatever its clocks do in between (E3, S3-16)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.kernel.clock import stamp
from tests.gateway.test_journey import shipped_order
from tests.suite import customer, seller

MOMENT = timedelta(milliseconds=1)


def travel(api, to):
    api.suite.clock.advance(seconds=(to - api.suite.clock.now()).total_seconds())


def quote(api, order, **wish):
    body = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "not_downloaded", **wish}
    return api.call("POST", "/v1/refunds:quote", seller(), body=body)


@pytest.mark.capability("S3-11", "S3-16", "T21")
@pytest.mark.parametrize(
    ("zone", "bought", "right_until", "until"),
    [
        # 3 November already in Auckland, whose summer time ends in April
        ("Pacific/Auckland", "2026-11-02T12:30", "2026-12-03T10:59:59.999", "2027-05-03T11:59:59.999"),
        # still 1 November in New York, whose summer time had ended that morning and begins again in March
        ("America/New_York", "2026-11-02T03:00", "2026-12-02T04:59:59.999", "2027-05-02T03:59:59.999"),
        ("Europe/Paris", "2026-11-02T22:59:59.999", "2026-12-02T22:59:59.999", "2027-05-02T21:59:59.999"),
        ("Europe/Paris", "2026-11-02T23:00", "2026-12-03T22:59:59.999", "2027-05-03T21:59:59.999"),
        # bought on 31 October, the day before the clocks change there; one month on there is no 31st
        ("America/New_York", "2026-10-31T16:00", "2026-12-01T04:59:59.999", "2027-05-01T03:59:59.999"),
    ],
)
def test_windows_end_with_the_day_of_the_marketplace(api_of, zone, bought, right_until, until):
    api = api_of(instant_provider=True, marketplace_time_zones=f"main={zone}", time_zone="Asia/Tokyo")
    bought, right_until, until = (datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (bought, right_until, until))
    order = shipped_order(api, profile="support", placed_at=stamp(bought))

    travel(api, right_until)
    right = quote(api, order).json["eligible"]
    travel(api, right_until + MOMENT)
    grace = quote(api, order).json["eligible"]
    travel(api, until)
    last = quote(api, order).json["eligible"]
    travel(api, until + MOMENT)
    late = quote(api, order).json

    assert (right, grace, last) == ("right", "discretion", "discretion")
    assert (late["code"], late["details"]["until"]) == ("REFUND_WINDOW_CLOSED", stamp(until))


@pytest.mark.capability("S3-16")
def test_an_agreement_in_a_message_ends_with_the_same_day(api_of):
    api = api_of(instant_provider=True, marketplace_time_zones="main=Pacific/Auckland")
    bought = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
    care = {"product_id": "prd_care", "sku": "CARE", "title": "Care", "quantity": 1, "unit_price": 17490,
            "covers": {"product_id": "prd_care", "url": "shop.example", "days": 365}}  # fmt: skip
    lines = {"lines": [care], "discount": 0, "shipping": [], "total": 17490}
    order = shipped_order(api, profile="support", placed_at=stamp(bought), **lines)
    reasons = {item["code"]: item for item in api.get("/v1/claim-profiles", customer())["items"]}["support"]["reasons"]
    ask = {"reason_code": reasons[0]["code"], "text": "It does not start.", "url": "shop.example"}
    claim = api.post(f"/v1/orders/{order['id']}/issues", customer(), ask, status=201)
    api.suite.settle()
    thread = api.get(f"/v1/claims/{claim['id']}", seller())["thread"]["id"]
    body = {"text": "Yes.", "refund_agreement": {"reason_code": "not_downloaded", "scope": "order"}}

    travel(api, datetime(2027, 5, 3, 12, tzinfo=UTC))
    late = api.refused("POST", f"/v1/threads/{thread}/messages", seller(), "AGREEMENT_TOO_LATE", body=body)

    assert late["details"]["purchased"] == "2026-11-03"
