"""Many rows in one statement mean the same on both databases: written all, guarded by versions, replaced, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from shared.storage.engine import Database
from shared.storage.lines import run
from shared.storage.rows import Lost, Write, rows_by_key, write_all
from shared.storage.tables import Big
from shared.storage.types import Json, RawJson, Utc
from tests.servers import shared_by_the_run

THINGS = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("version", Big, nullable=False),
    sa.Column("prev", Big, nullable=False),
    sa.Column("flag", sa.Boolean, nullable=False),
    sa.Column("at", Utc),
    sa.Column("data", Json),
)
PAIRS = sa.Table(
    "pair",
    THINGS.metadata,
    sa.Column("name", sa.String(8), primary_key=True),
    sa.Column("part", sa.String(8), primary_key=True),
    sa.Column("value", sa.String(8)),
)
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database(request, tmp_path):
    sqlite = request.param == "sqlite"
    found = Database(f"sqlite:///{tmp_path}/rows.db" if sqlite else shared_by_the_run().database("rows"))
    THINGS.metadata.drop_all(found.engine)
    THINGS.metadata.create_all(found.engine)
    yield found
    found.dispose()


def a_row(id, version=1, prev=0, **more):
    return {"id": id, "version": version, "prev": prev, "flag": True, "at": NOON, "data": {"n": version}} | more


def write(database, rows, known="guard", guard="version"):
    with database.transaction() as connection:
        write_all(connection, [Write(THINGS, rows, known, guard)])


def kept(database, *ids):
    with database.transaction() as connection:
        found = rows_by_key(connection, THINGS, {"id": ids})
    return {row["id"]: row for row in found}


def test_rows_come_back_as_they_were_written_whatever_the_order_of_their_names(database):
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    first, second = a_row("a"), dict(reversed(a_row("b", at=elsewhere, data=RawJson("[1]"), flag=False).items()))
    empty = a_row("c", at=None, data=None)

    write(database, [first, second, empty], "refuse", "")

    found = kept(database, "a", "b", "c")
    assert [(found[id]["at"], found[id]["data"], found[id]["flag"]) for id in "abc"] == [
        (NOON, '{"n":1}', True),
        (NOON, "[1]", False),
        (None, None, True),
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_a_guarded_row_that_somebody_changed_is_lost_and_nothing_of_the_batch_is_kept(database, count):
    ids = [f"t{number}" for number in range(count)]
    write(database, [a_row(id) for id in ids])
    write(database, [a_row(id, 2, 1) for id in ids])
    stale = [a_row(id, 3, 2) for id in ids[:-1]] + [a_row(ids[-1], 2, 1, data={"n": "late"})]

    with pytest.raises(Lost):
        write(database, stale)

    assert {row["version"] for row in kept(database, *ids).values()} == {2}


def test_known_rows_are_refused_replaced_or_deleted_as_asked(database):
    write(database, [a_row("a"), a_row("b")], "refuse", "")

    with pytest.raises(sa.exc.IntegrityError):
        write(database, [a_row("c"), a_row("b")], "refuse", "")
    write(database, [a_row("b", 7), a_row("d", 4)], "replace", "")
    write(database, [{"id": "a"}, {"id": "nobody"}], "delete", "")

    assert {id: row["version"] for id, row in kept(database, "a", "b", "c", "d").items()} == {"b": 7, "d": 4}


def test_rows_are_found_by_a_key_of_several_columns(database):
    pairs = [{"name": name, "part": part, "value": name + part} for name in "xy" for part in "12"]
    with database.transaction() as connection:
        write_all(connection, [Write(PAIRS, pairs)])
        found = rows_by_key(connection, PAIRS, {"name": ["x", "y", "z"], "part": ["1", "2", "1"]})

    assert sorted((row["name"], row["part"], row["value"]) for row in found) == [("x", "1", "x1"), ("y", "2", "y2")]


@pytest.mark.servers
def test_postgresql_looks_each_key_up_however_small_it_takes_the_table_for():
    database = Database(shared_by_the_run().database("lookups"))
    with database.transaction() as connection:
        THINGS.metadata.create_all(connection)
        write_all(connection, [Write(PAIRS, [{"name": "x", "part": str(n), "value": ""} for n in range(2000)])])
    fetched = "pg_stat_get_xact_tuples_fetched"
    looked_at = f"select {fetched}('pair'::regclass) + {fetched}('pair_pkey'::regclass)"

    with database.transaction() as connection:
        rows_by_key(connection, PAIRS, {"name": ["x"] * 3, "part": ["1", "500", "9999"]})
        assert run(connection, looked_at).fetchone()[0] <= 6
    database.dispose()


@pytest.mark.servers
def test_postgresql_plans_a_statement_once_and_again_after_a_while():
    database = Database(shared_by_the_run().database("plans"))
    told = "select generic_plans, custom_plans from pg_prepared_statements where name like 'rows_%'"

    def plans() -> list[tuple[int, int]]:
        with database.transaction() as connection:
            rows_by_key(connection, THINGS, {"id": ["a"]})
            return run(connection, told).fetchall()

    with database.transaction() as connection:
        THINGS.metadata.create_all(connection)
    assert [plans() for _ in range(3)] == [[(1, 0)], [(2, 0)], [(3, 0)]]
    with database.transaction() as connection:
        connection.info["plan_again"] = 0.0  # ten seconds have passed
    assert plans() == [(1, 0)]
    database.dispose()
