"""The how-to pages about refunds: every call on them is made, in their order, and is answered well."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.kernel.ids import new_id
from tests.gateway.test_journey import shipped_order
from tests.suite import agent, seller

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
CALL = re.compile(r"```http\n *(\w+) (\S+)\n(.*?) *```", re.DOTALL)


@pytest.mark.capability("S0-04", "S0-05", "S0-06")
def test_the_page_about_refunding_an_order_does_what_it_says(api_of):
    api = api_of(instant_provider=True)
    order = shipped_order(api)

    answers = run(api, "refund-an-order.md", seller(), ORDER=order["id"], LAMP=order["lines"][0]["line_id"])
    api.suite.settle()

    envelope = api.get(f"/v1/orders/{order['id']}/refund-envelope", seller())
    assert answers[0]["amount"] == answers[1]["amount"]
    assert (envelope["available"], envelope["succeeded"]) == (0, 17490)


@pytest.mark.capability("N10")
def test_the_page_about_reconciliation_does_what_it_says(api_of):
    api = api_of(instant_provider=True)

    first, _, lines = run(api, "reconcile-refunds.md", agent())

    assert first["extra"] == 1
    assert [line["kind"] for line in lines["items"]] == ["extra"]


def run(api, page, who, **names):
    found = CALL.findall((PAGES / page).read_text(encoding="utf-8"))
    assert found
    answers = []
    for method, path, body in found:
        for name, value in names.items():
            path, body = path.replace(name, value), body.replace(name, value)
        sent = {"body": json.loads(body)} if body.strip() else {}
        answer = api.call(method, path, who, key=new_id("key"), **sent)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        answers.append(answer.json)
    return answers
