"""One database of one service: PostgreSQL in production, one SQLite file in the embedded default."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from shared.storage.lines import ENDED, UNBEGUN, Lines, run, say_no_values

# A command that needs longer than this is a bug or an overload: fail it while its caller still waits (messaging 3.14).
# A reaction may think for 10 s (R17) before it writes, so a transaction may be idle a little longer.
# A prepared statement is planned once, not for the values of each time (shared/storage/rows.py). None of ours runs long
# enough to be worth compiling, and to the planner one that may not read a whole table looks as if it did.
POSTGRES_OPTIONS = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 -c timezone=UTC"
    " -c plan_cache_mode=force_generic_plan -c jit=off"
)

SPARE = 2  # connections beside those of the pool's size: for the relay's sweeper and what looks for what is due
CONFLICTS = ("40001", "40P01")  # serialization failure, deadlock: the transaction may simply run again
OVERLONG = ("55P03", "57014")  # lock timeout, statement timeout: the database is there, this statement failed


class WrongDriver(ValueError):
    """The database URL names a driver that stops the whole process while it waits: use postgresql:// (psycopg2)."""


def sql_state(failure: BaseException) -> str:
    """PostgreSQL's code of this failure; empty when it has none."""
    return getattr(getattr(failure, "orig", None), "pgcode", None) or ""


def away(failure: BaseException) -> bool:
    """Can the database not be asked just now? Else it was there and refused what it was asked."""
    if isinstance(failure, sa.exc.OperationalError):
        return sql_state(failure) not in (*CONFLICTS, *OVERLONG)
    return isinstance(failure, sa.exc.TimeoutError) or getattr(failure, "connection_invalidated", False)


def _say_no_values(context: sa.engine.ExceptionContext) -> None:
    if isinstance(context.sqlalchemy_exception, sa.exc.DBAPIError):
        for failed in (context.original_exception, context.sqlalchemy_exception):
            say_no_values(failed)


def _begin_first(connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object) -> tuple:
    if connection.info.pop(UNBEGUN, False):
        statement = f"BEGIN; {statement}"
    return statement, parameters


def ended(connection: sa.Connection) -> None:
    """Its transaction was committed together with its last statement."""
    connection.info[ENDED] = True


class Database:
    """An engine, and the rule how its transactions begin."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.url = sa.engine.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # One connection per SQLite file, so one writer at a time; PostgreSQL needs no lock of ours.
        self._alone = threading.RLock() if self.is_sqlite else nullcontext()
        self.engine = self._sqlite() if self.is_sqlite else self._postgres()
        sa.event.listen(self.engine, "handle_error", _say_no_values)
        if not self.is_sqlite:
            sa.event.listen(self.engine, "before_cursor_execute", _begin_first, retval=True)
        self._lines = Lines(self.engine, pool_size + SPARE)

    def _postgres(self) -> sa.Engine:
        if self.url.drivername not in ("postgresql", "postgresql+psycopg2"):
            raise WrongDriver(self.url.drivername)
        return sa.create_engine(
            self.url.set(drivername="postgresql+psycopg2"),
            poolclass=NullPool,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",  # once per connection; `transaction` says BEGIN and COMMIT itself
            connect_args={"options": POSTGRES_OPTIONS, "connect_timeout": 3},
        )

    def _sqlite(self) -> sa.Engine:
        alone = {"check_same_thread": False, "timeout": 5}
        engine = sa.create_engine(self.url, poolclass=StaticPool, hide_parameters=True, connect_args=alone)

        @sa.event.listens_for(engine, "connect")
        def prepare(connection, _record) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            cursor = connection.cursor()
            # NORMAL keeps every commit through kill -9; only a power cut may lose the last ones.
            for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on", "cache_size=-2000"):
                cursor.execute(f"pragma {pragma}")
            cursor.close()

        @sa.event.listens_for(engine, "begin")
        def begin(connection) -> None:
            connection.exec_driver_sql("begin immediate")

        return engine

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that commits when the block ends and rolls back when it raises."""
        with self._alone, self._begun() as connection:
            yield connection

    @contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """On PostgreSQL BEGIN travels with the first statement: the driver would make a round trip of it."""
        if self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        connection = self._lines.take()
        try:
            yield connection
        except BaseException:
            self._end(connection, "ROLLBACK")
            raise
        self._end(connection, "COMMIT")

    def _end(self, connection: sa.Connection, how: str) -> None:
        """COMMIT or ROLLBACK, unless nothing was begun; a connection that cannot even roll back is thrown away."""
        over = connection.info.pop(UNBEGUN, False) or connection.info.pop(ENDED, False)
        try:
            if not over:
                run(connection, how)
        except BaseException:
            self._lines.drop(connection)
            if how == "COMMIT":
                raise
        else:
            self._lines.give_back(connection)

    def answers(self) -> bool:
        """Does the database answer a question right now? (readiness)"""
        try:
            with self.transaction() as connection:
                connection.execute(sa.select(1))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def dispose(self) -> None:
        self._lines.dispose()
        self.engine.dispose()
