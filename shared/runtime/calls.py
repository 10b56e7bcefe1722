"""Commands and queries of a service, executed in batches: one transaction, each answered only after the commit."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from marshmallow import ValidationError

from shared.contracts.rules import invalid
from shared.kernel.calls import Answer, Call, InternalError, Unavailable, refused
from shared.kernel.errors import (
    Busy,
    DeadlineExceeded,
    IdempotencyInProgress,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Refusal,
)
from shared.kernel.ids import new_id
from shared.runtime.tables import Command, Query
from shared.runtime.unit_of_work import Conflict, Context, UnitOfWork, unit_of_work
from shared.storage.engine import OVERLONG, away, sql_state
from shared.storage.rows import Read, Row

log = logging.getLogger(__name__)
# Twelve tries with growing, random pauses (about a second) pass 20 writers on one row, also on a busy machine.
TRIES, LONGEST_PAUSE = 12, 0.25


class Executor:
    """Runs the calls of one service."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.commands: dict[str, Command] = {c.operation.name: c for c in app.contents.commands}
        self.queries: dict[str, Query] = {q.operation.name: q for q in app.contents.queries}

    def execute(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer every call, in order. Commands share one transaction, queries another; a bad call fails alone."""
        answers: dict[int, Answer] = {}
        commands: list[int] = []
        queries: list[int] = []
        for index, call in enumerate(calls):
            try:
                self._check(call)
            except Refusal as refusal:
                answers[index] = refused(refusal)
            else:
                (commands if call.name in self.commands else queries).append(index)
        for indexes, run in ((commands, self._commands), (queries, self._queries)):
            if indexes:
                answers |= dict(zip(indexes, run([calls[i] for i in indexes]), strict=True))
        return [answers[index] for index in range(len(calls))]

    def _check(self, call: Call) -> None:
        """Name, deadline and arguments; the arguments are replaced by what the schema loaded."""
        known = self.commands.get(call.name) or self.queries.get(call.name)
        if known is None:
            raise NotFound(kind="operation", id=call.name)
        if call.deadline is not None and call.deadline < time.time():
            raise DeadlineExceeded()
        if known.operation.money and not call.idempotency_key:
            raise IdempotencyKeyRequired()
        try:
            loaded = known.operation.schema.load(call.args)
        except ValidationError as wrong:
            raise invalid(known.operation.schema, wrong) from None
        if call.idempotency_key and call.name in self.commands:
            _check_key(call.idempotency_key)
            call.idempotency_key = f"{call.idempotency_key}\n{call.fingerprint()}"
        call.args = loaded

    # commands

    def _commands(self, calls: list[Call]) -> list[Answer]:
        try:
            return _reconnecting(lambda: self._together(calls))
        except Exception as failed:
            if away(failed):
                return _unavailable(calls, failed)
            if len(calls) > 1:
                log.info("batch of %d runs again one by one: %s", len(calls), type(failed).__name__)
        return [self._alone(call) for call in calls]

    def _together(self, calls: list[Call]) -> list[Answer]:
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            remembered = self._prefetch(work, calls)
            answers = [self._one(work, call, remembered) for call in calls]
        self.app.committed(work)
        return answers

    def _alone(self, call: Call) -> Answer:
        for attempt in range(TRIES):
            try:
                return self._together([call])[0]
            except (Conflict, sa.exc.IntegrityError) as conflict:
                log.info("conflict on %s, attempt %d: %s", call.name, attempt + 1, type(conflict).__name__)
                time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.004 * 2**attempt)))
            except Exception as failed:
                if away(failed):
                    return _unavailable([call], failed)[0]
                if sql_state(failed) not in OVERLONG:
                    return self._incident(call)
                log.warning("%s waited too long: %s", call.name, type(failed).__name__)
                return refused(IdempotencyInProgress() if call.idempotency_key else Busy())
        return refused(Busy())

    def _one(self, work: UnitOfWork, call: Call, remembered: dict[str, tuple[str, str]]) -> Answer:
        if call.idempotency_key:
            key, fingerprint = call.idempotency_key.split("\n")
            if key_of(call, key) in remembered:
                return _replay(remembered[key_of(call, key)], fingerprint)
        context = Context(
            work, call.principal, call.correlation, expected_version=call.expected_version, settings=self.app.settings
        )
        try:
            body = self.commands[call.name].handler(context, call.args)
        except Refusal as refusal:
            return self._answered_meanwhile(work, call) or refused(refusal)
        except (Conflict, sa.exc.DBAPIError):
            raise
        except Exception:
            return self._incident(call)
        if call.idempotency_key:
            self._remember(context, call, key, fingerprint, body, remembered)
        work.merge(context.step)
        return Answer(200, body)

    def _prefetch(self, work: UnitOfWork, calls: list[Call]) -> dict[str, tuple[str, str]]:
        """Read what the commands will want; answers what was answered under their keys before."""
        wanted: list[tuple[type, str]] = []
        for call in calls:
            if loads := self.commands[call.name].loads:
                wanted += loads(call.args)
        answered = _by_key(work.prefetch(wanted, self._answers_of(calls)))
        for name in {call.name for call in calls}:
            if then := self.commands[name].then:
                then(work, [(call.principal.tenant, call.args) for call in calls if call.name == name])
        return answered

    # idempotency

    def _answers_of(self, calls: list[Call]) -> list[Read]:
        keys = {key_of(call, call.idempotency_key.split("\n")[0]) for call in calls if call.idempotency_key}
        if not keys:
            return []
        tenants, names = zip(*(key.split("\n") for key in keys), strict=True)
        return [Read(self.app.storage.runtime.idempotency, {"tenant": tenants, "key": names})]

    def _answered_meanwhile(self, work: UnitOfWork, call: Call) -> Answer | None:
        """The answer that the same key got after this batch had looked: the refusal may be its own twin's doing."""
        if not call.idempotency_key:
            return None
        key, fingerprint = call.idempotency_key.split("\n")
        found = _by_key(work.prefetch((), self._answers_of([call]))).get(key_of(call, key))
        return _replay(found, fingerprint) if found else None

    def _remember(self, context: Context, call: Call, key: str, fingerprint: str, body: dict, remembered: dict) -> None:
        """Store the answer with the change. A refusal is not stored: it changed nothing and may be asked again."""
        answer = orjson.dumps(body).decode()
        context.insert(
            self.app.storage.runtime.idempotency,
            tenant=call.principal.tenant,
            key=key,
            request_hash=fingerprint,
            answer=answer,
            created_at=context.now,
        )
        remembered[key_of(call, key)] = (fingerprint, answer)

    # queries

    def _queries(self, calls: list[Call]) -> list[Answer]:
        try:
            return _reconnecting(lambda: self._read(calls))
        except Exception as failed:
            if away(failed):
                return _unavailable(calls, failed)
            if len(calls) == 1:
                return [self._incident(calls[0])]
        return [self._queries([call])[0] for call in calls]

    def _read(self, calls: list[Call]) -> list[Answer]:
        with unit_of_work(self.app.storage, self.app.database, self.app.clock.now()) as work:
            return [self._query(work, call) for call in calls]

    def _query(self, work: UnitOfWork, call: Call) -> Answer:
        context = Context(work, call.principal, call.correlation, settings=self.app.settings)
        try:
            return Answer(200, self.queries[call.name].handler(context, call.args))
        except Refusal as refusal:
            return refused(refusal)
        except sa.exc.DBAPIError:
            raise
        except Exception:
            return self._incident(call)

    def _incident(self, call: Call) -> Answer:
        """Log the exception under a number; the caller learns the number only (N40)."""
        incident = new_id("inc")
        log.exception("%s failed, incident %s", call.name, incident)
        return refused(InternalError(incident=incident))


def _check_key(key: Any) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= 200 or not key.isprintable():
        raise InvalidInput(fields={"idempotency_key": ["1 to 200 printable characters"]})


def _reconnecting(run: Callable[[], list[Answer]]) -> list[Answer]:
    """Run; once more when a pooled connection turned out dead. Never after a COMMIT was sent: it may have been done."""
    try:
        return run()
    except sa.exc.DBAPIError as failed:
        if not failed.connection_invalidated or (failed.statement or "COMMIT").endswith("COMMIT"):
            raise
    return run()


def _unavailable(calls: list[Call], failed: Exception) -> list[Answer]:
    log.warning("database away, %d calls refused: %s", len(calls), type(failed).__name__)
    return [refused(Unavailable())] * len(calls)


def _by_key(found: list[list[Row]]) -> dict[str, tuple[str, str]]:
    return {f"{row['tenant']}\n{row['key']}": (row["request_hash"], row["answer"]) for rows in found for row in rows}


def key_of(call: Call, key: str) -> str:
    return f"{call.principal.tenant}\n{key}"


def _replay(stored: tuple[str, str], fingerprint: str) -> Answer:
    request_hash, answer = stored
    if request_hash != fingerprint:
        return refused(IdempotencyKeyReused())
    return Answer(200, orjson.loads(answer), replayed=True)
