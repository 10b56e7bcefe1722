"""A service's connections to PostgreSQL: opened when needed, kept, and asked directly.

SQLAlchemy’s pool and execution are two fifths of the Python calls of a small transaction (ADR 0019): connections are
kept here instead of being checked out anew, and statements of constant text go straight to the driver.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg2
import sqlalchemy as sa

PATIENCE = 5.0  # seconds that a transaction waits for a connection when all are in use
RAW = "raw"  # in a connection's info: the driver's own connection
UNBEGUN, ENDED = "unbegun", "ended"  # … its transaction begins with its first statement; it has ended already


class Lines:
    """At most `most` connections of one engine. None is shared by two transactions at the same time."""

    def __init__(self, engine: sa.Engine, most: int) -> None:
        self._engine = engine
        self._idle: list[sa.Connection] = []
        self._room = threading.BoundedSemaphore(most)

    def take(self) -> sa.Connection:
        """A connection whose transaction has not begun. Raises sqlalchemy.exc.TimeoutError when all are in use."""
        if not self._room.acquire(timeout=PATIENCE):
            raise sa.exc.TimeoutError(f"all connections were in use for {PATIENCE:.0f} s")
        try:
            connection = self._idle.pop() if self._idle else self._opened()
            connection.info[UNBEGUN] = True
        except BaseException:
            self._room.release()
            raise
        return connection

    def give_back(self, connection: sa.Connection) -> None:
        self._idle.append(connection)
        self._room.release()

    def drop(self, connection: sa.Connection) -> None:
        """This one is of no more use; when the server hung up, the idle ones are not either."""
        hung_up = connection.info[RAW].closed
        connection.invalidate()
        connection.close()
        self._room.release()
        if hung_up:
            self.dispose()

    def dispose(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _opened(self) -> sa.Connection:
        connection = self._engine.connect()
        connection.info[RAW] = connection.connection.dbapi_connection
        return connection


def run(connection: sa.Connection, text: str, values: Any = None) -> Any:
    """Run a statement, and BEGIN before the first one of a transaction; the driver's cursor with its rows.

    Raises what SQLAlchemy would raise.
    """
    info = connection.info
    if info.pop(UNBEGUN, False):
        text = f"BEGIN; {text}"
    cursor = info[RAW].cursor()
    try:
        cursor.execute(text, values)
    except psycopg2.Error as failed:
        raise _as_sqlalchemy(connection, text, values, failed, cursor) from failed
    return cursor


def _as_sqlalchemy(
    connection: sa.Connection, text: str, values: Any, failed: psycopg2.Error, cursor: Any
) -> sa.exc.DBAPIError:
    gone = connection.dialect.is_disconnect(failed, connection.info[RAW], cursor)
    say_no_values(failed)
    return sa.exc.DBAPIError.instance(  # type: ignore[return-value]
        text,
        values,
        failed,
        psycopg2.Error,
        hide_parameters=True,
        connection_invalidated=gone,
        dialect=connection.dialect,
    )


def say_no_values(failed: BaseException) -> None:
    """What a database says of a failure may quote the row that failed, and what is logged must not (I5): only the first
    line of it stays, which names the rule that was broken."""
    failed.args = (str(failed).partition("\n")[0],)
