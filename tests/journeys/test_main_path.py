"""The main path, walked through the gateway's API with Stripe's SDK and SMTP: joined here, or against TEST_URL."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from werkzeug.test import Client

from services.demo.api import Api, Send, over_http
from services.demo.folder import Folder
from services.demo.narrator import Narrator
from services.demo.promises import check
from services.demo.story import Story
from services.demo.waiting import NotReached, Patience
from services.demo.walk import log_ins, simulator_at
from services.simulator import Simulator, start
from tests.suite import Suite

PATIENCE = 20.0  # seconds


def over_wsgi(application: Callable) -> Send:
    """Sends to a gateway in this process."""
    client = Client(application)

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        answer = client.open(path, method=method, headers=headers, data=body or None)
        return answer.status_code, answer.get_data()

    return send


@pytest.fixture
def outside() -> Iterator[Simulator]:
    with start() as world:
        yield world


@pytest.fixture
def joined(tmp_path: Path, outside: Simulator, suite_of: Callable[..., Suite]) -> Callable[[StringIO], Story]:
    """The story on services joined in this process: nothing happens but when the story waits for it."""
    folder = Folder(tmp_path / "people")
    folder.take()
    people = log_ins(folder.log_ins())
    suite = suite_of(
        mail="smtp",
        smtp_url=f"smtp://127.0.0.1:{outside.ports.smtp}",
        stripe_api_key="sk_test_of_the_story",
        stripe_api_base=outside.provider_url,
        api_keys_file=str(folder.api_keys),
    )
    api = Api(over_wsgi(suite.gateway()), people)
    return lambda out: Story(api, outside, Patience(PATIENCE, suite.settle), Narrator(out))


@pytest.mark.capability("S0-21", "S2-01", "S2-02", "S2-05", "S2-11", "S2-14", "S2-16", "S2-20", "S4-01", "S4-02")
def test_damaged_items_are_reported_refunded_once_credited_and_everybody_is_told(joined):
    out = StringIO()
    story = joined(out)
    story.walk()
    for promise in (promises := check(story)):
        story.tell.promise(*promise)
    assert [promise.text for promise in promises if not promise.kept] == []
    assert "54.52 EUR, in it 7.07 EUR at 20 %, 0.63 EUR at 5.5 %" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 100


def test_the_story_goes_well_twice_on_the_same_suite(joined):
    for _ in range(2):
        story = joined(StringIO())
        story.walk()
        assert all(promise.kept for promise in check(story))


def test_a_second_payment_at_the_provider_would_be_noticed(joined, outside):
    story = joined(StringIO())
    story.walk()
    payment = {"provider": "stripe", "payment": f"pi_{story.number}", "amount": 100}
    outside.control("POST", "refunds", payment)
    broken = [promise.text for promise in check(story) if not promise.kept]
    assert len(broken) == 1
    assert broken[0].startswith("the provider paid once, by our id")


def test_a_provider_that_refuses_stops_the_story_and_names_what_was_expected(joined, outside):
    outside.faults(refuse="charge_disputed", times=1)
    story = joined(StringIO())
    story.patience.seconds = 0.2
    with pytest.raises(NotReached, match=r"expected within 0\.2 s: the refund is reserved, paid and credited"):
        story.walk()
    assert outside.refunds(f"pi_{story.number}") == []


@pytest.mark.skipif(not os.environ.get("TEST_URL"), reason="TEST_URL names no running suite")
def test_the_main_path_on_the_suite_at_test_url():
    """TEST_TOKENS: a file as `aftersale story --tokens` takes it; provider and mail catcher from it or SUITE_*_URL."""
    notes = json.loads(Path(os.environ["TEST_TOKENS"]).read_text(encoding="utf-8"))
    outside = simulator_at(
        os.environ.get("SUITE_PROVIDER_URL") or notes.get("provider_url"),
        os.environ.get("SUITE_MAIL_URL") or notes.get("mail_url"),
    )
    api = Api(over_http(os.environ["TEST_URL"]), log_ins(notes.get("people", notes)))
    story = Story(api, outside, Patience(PATIENCE, lambda: time.sleep(0.05)), Narrator(StringIO()))
    story.walk()
    assert [promise.text for promise in check(story) if not promise.kept] == []
