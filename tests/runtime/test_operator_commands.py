"""`aftersale deadletters` and `aftersale replay`, as an operator types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services import cli
from shared.contracts import order as order_contracts  # noqa: F401 - announces its events
from shared.kernel.ids import new_id
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.runtime.envelope import Envelope
from tests.runtime.backends import START


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """The order service's database, empty, where the commands look for it."""
    from services.order.app import build

    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    app = build(Settings(data_dir=tmp_path))
    app.create_tables()
    return app


@pytest.fixture
def dead(order: App) -> Envelope:
    """A claim event that cannot be understood, after its last attempt."""
    event = Envelope(new_id("evt"), "claim.opened", "clm_1", 1, "shop", START, "customer/c/api", "cor", None, b"[]")
    order.inbox.receive([event])
    waiting = order.storage.runtime.inbox_waiting
    with order.database.transaction() as connection:
        connection.execute(waiting.update().values(state="dead", attempts=6))
    return event


def run(*arguments: str) -> int:
    return cli.main(["deadletters", "--service", "order", *arguments])


@pytest.mark.capability("R11", "R13")
def test_an_operator_sees_a_dead_letter_and_passes_it_over(
    order: App, dead: Envelope, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("list") == 0
    assert f"order {dead.id} claim.opened of clm_1: AttributeError" in capsys.readouterr().out
    assert run("show", dead.id) == 0
    assert '"ce-sequence": "1"' in capsys.readouterr().out
    assert run("skip", dead.id, "--by", "ada", "--reason", "sent by a test") == 0
    assert capsys.readouterr().out == f"order: {dead.id} is passed over\n"
    assert run("list") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.capability("R12")
def test_an_operator_redrives_a_dead_letter(order: App, dead: Envelope, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("redrive", dead.id) == 0
    assert capsys.readouterr().out == f"order: {dead.id} is tried again\n"
    assert order.dead_letters() == 0
    assert order.inbox.retry_due() == 1


def test_an_unknown_letter_or_an_empty_reason_is_told(
    order: App, dead: Envelope, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("redrive", "evt_unknown") == 1
    assert "none of order has evt_unknown" in capsys.readouterr().err
    assert run("skip", dead.id, "--reason", "") == 1
    assert "say the reason" in capsys.readouterr().err
    assert order.dead_letters() == 1


def test_a_replay_without_a_broker_says_what_is_missing(order: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", "--service", "order", "--to", "bi.inbox"]) == 1
    assert "set AMQP_URI" in capsys.readouterr().err
