"""The event log cannot be changed by a statement, and what changed it nevertheless is found (T38)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from shared.kernel.calls import Call
from shared.kernel.clock import ManualClock
from shared.kernel.ids import new_id
from shared.runtime import seals
from shared.runtime.app import App
from shared.storage.append_only import protect
from tests.runtime import toys
from tests.runtime.backends import START, WHO
from tests.servers import shared_by_the_run

TABLES = ("event_log", "seal")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def app(request, tmp_path) -> Iterator[App]:
    """A counter with a database of its own: these tests spoil it."""
    url = f"sqlite:///{tmp_path}/counter.db"
    if request.param == "postgresql":
        url = shared_by_the_run().database(new_id("seals").lower())
    found = toys.build("counter", url, ManualClock(START), toys.Moods())
    found.create_tables()
    yield found
    found.database.dispose()


def opened(app: App, times: int = 1) -> None:
    for _ in range(times):
        assert app.execute([Call("counter.open", {"id": new_id("cnt")}, WHO)])[0].ok


def change(app: App, *statements: str) -> None:
    with app.database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def unprotected(app: App, statement: str) -> None:
    """As who owns the schema could: the triggers off, the statement, the triggers on."""
    off = [f"drop trigger append_only on {table}" for table in TABLES]
    if app.database.is_sqlite:
        off = [f"drop trigger {table}_no_{verb}" for table in TABLES for verb in ("update", "delete")]
    change(app, *off, statement)
    with app.database.engine.begin() as connection:
        for table in TABLES:
            protect(connection, table)


@pytest.fixture
def sealed(app, monkeypatch) -> App:
    """25 events in seals of 10, and one event that is not sealed yet."""
    monkeypatch.setattr(seals, "SEGMENT", 10)
    opened(app, 25)
    app.seals.seal_before(new_id("evt"))
    opened(app)
    return app


@pytest.mark.capability("T38")
@pytest.mark.parametrize("statement", ["update event_log set actor = 'nobody/0/api'", "delete from event_log"])
def test_the_database_refuses_to_change_what_happened(app, statement):
    opened(app)
    before = app.seals.verify()
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        change(app, statement)
    assert app.seals.verify() == before
    assert before.unsealed == 1


@pytest.mark.capability("T38")
def test_every_event_is_sealed_once_and_the_seals_hold(sealed):
    verdict = sealed.seals.verify()
    assert verdict.broken == ()
    assert (verdict.seals, verdict.events, verdict.unsealed) == (3, 25, 1)
    assert re.fullmatch(r"[0-9a-f]{64}", verdict.head)
    assert sealed.seals.verify({verdict.seals: verdict.head}) == verdict
    sealed.seals.seal_before(new_id("evt"))
    later = sealed.seals.verify({verdict.seals: verdict.head})
    assert (later.seals, later.events, later.unsealed, later.broken) == (4, 26, 0, ())


SOME = "(select event_id from event_log order by event_id limit 1 offset 12)"


@pytest.mark.capability("T38")
@pytest.mark.parametrize(
    "statement",
    [
        f"update event_log set actor = 'customer/mallory/api' where event_id = {SOME}",
        f"update event_log set data = '{{}}' where event_id = {SOME}",
        f"delete from event_log where event_id = {SOME}",
        f"insert into event_log (event_id, stream, aggregate_id, seq, type, tenant, actor, correlation, causation, "
        f"occurred_at, data) select event_id || 'X', stream, aggregate_id, seq + 1000, type, tenant, actor, "
        f"correlation, causation, occurred_at, data from event_log where event_id = {SOME}",
        "delete from seal where number = 2",
        "update seal set events = events + 1 where number = 2",
    ],
)
def test_a_changed_lost_or_added_event_and_a_changed_seal_are_found(sealed, statement):
    unprotected(sealed, statement)
    assert [each.number for each in sealed.seals.verify().broken][:1] == [2]


@pytest.mark.capability("T38")
def test_who_rewrites_every_seal_is_found_by_a_hash_noted_elsewhere(sealed):
    noted = sealed.seals.verify()
    unprotected(sealed, f"update event_log set actor = 'customer/mallory/api' where event_id = {SOME}")
    unprotected(sealed, "delete from seal")
    sealed.seals.seal_before(new_id("evt"))
    assert sealed.seals.verify().broken == ()
    assert sealed.seals.verify({noted.seals: noted.head}).broken != ()
