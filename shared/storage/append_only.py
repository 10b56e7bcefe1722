"""The database itself refuses to change or take away what happened: no statement of ours or of an intruder's can (T38).

On PostgreSQL a statement trigger, so that appending costs nothing; on SQLite a trigger per change. Whoever owns the
schema may still take the trigger off: the seals show that something was changed (shared/runtime/seals.py).
"""

from __future__ import annotations

import sqlalchemy as sa

SENTENCE = "this table is append-only: what happened is neither changed nor taken away"
POSTGRES = """
CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{sentence}' USING ERRCODE = 'insufficient_privilege'; END $$;
DROP TRIGGER IF EXISTS append_only ON {table};
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only();
"""
SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, '{sentence}'); END
"""


def protect(connection: sa.Connection, table: str) -> None:
    """From now on rows are only added to this table. Safe to run again."""
    if connection.dialect.name == "sqlite":
        for change in ("update", "delete"):
            connection.exec_driver_sql(SQLITE.format(table=table, change=change, sentence=SENTENCE))
    else:
        connection.exec_driver_sql(POSTGRES.format(table=table, sentence=SENTENCE))


def protected(metadata: sa.MetaData, *tables: str) -> None:
    """Tables that are made of this metadata without migrations (tests, throw-away databases) are protected too."""

    @sa.event.listens_for(metadata, "after_create")
    def protect_all(_metadata: sa.MetaData, connection: sa.Connection, **_: object) -> None:
        for table in tables:
            protect(connection, table)
