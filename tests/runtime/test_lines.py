"""Connections to PostgreSQL: how many there are, and what happens when the server hangs up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from shared.storage import lines
from shared.storage.engine import SPARE, Database, away
from tests.servers import shared_by_the_run

pytestmark = pytest.mark.servers
PIDS = sa.text("select pg_backend_pid()")


@pytest.fixture
def database() -> Iterator[Database]:
    found = Database(shared_by_the_run().database("lines"), pool_size=1)
    yield found
    found.dispose()


def backend_of(database: Database) -> int:
    with database.transaction() as connection:
        return connection.execute(PIDS).scalar_one()


def test_a_transaction_takes_the_connection_that_was_given_back_last(database):
    assert backend_of(database) == backend_of(database)


def test_when_all_connections_are_in_use_the_next_transaction_counts_as_a_database_that_is_away(database, monkeypatch):
    monkeypatch.setattr(lines, "PATIENCE", 0.05)
    with ExitStack() as open_ones:
        pids = set()
        for _ in range(1 + SPARE):
            pids.add(open_ones.enter_context(database.transaction()).execute(PIDS).scalar_one())
        with pytest.raises(sa.exc.TimeoutError) as refused:
            backend_of(database)
        assert away(refused.value)
    assert len(pids) == 1 + SPARE
    assert backend_of(database) in pids


@pytest.mark.capability("R14")
def test_when_the_server_hung_up_the_next_transaction_but_one_works_on_a_new_connection(database):
    with database.transaction() as one, database.transaction() as other:
        pids = {each.execute(PIDS).scalar_one() for each in (one, other)}
    with Database(database.url.render_as_string(False), 1).transaction() as killer:
        killer.execute(sa.text("select pg_terminate_backend(p) from unnest(cast(:p as int[])) p"), {"p": list(pids)})
    with pytest.raises(sa.exc.DBAPIError) as lost, database.transaction() as connection:
        lines.run(connection, "select 1")
    assert away(lost.value)
    assert lost.value.connection_invalidated
    assert backend_of(database) not in pids  # the other idle one was closed with it


def test_a_refused_statement_leaves_the_connection_of_use(database):
    before = backend_of(database)
    with pytest.raises(sa.exc.ProgrammingError), database.transaction() as connection:
        lines.run(connection, "select nothing_of_the_kind")
    with database.transaction() as connection:
        assert lines.run(connection, "select %(n)s + 1", {"n": 1}).fetchall() == [(2,)]
    assert backend_of(database) == before
