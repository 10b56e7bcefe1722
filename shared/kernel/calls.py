"""What gateway and services say to one another: a call, its answer, and what is answered when our side fails."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.kernel.errors import Refusal
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal


class InternalError(Refusal):
    """Something failed on our side; nothing was changed. Name the incident {incident} when you report it."""

    code = "INTERNAL_ERROR"
    status = 500


class Unavailable(Refusal):
    """The service cannot reach its database just now; nothing was changed. Repeat the call in a moment."""

    code = "UNAVAILABLE"
    status = 503
    retry_after = 2


@dataclass(slots=True)
class Call:
    """A request to a service. deadline: epoch seconds after which the caller no longer waits."""

    name: str
    args: dict[str, Any]
    principal: Principal
    idempotency_key: str | None = None
    expected_version: int | None = None
    correlation: str = field(default_factory=lambda: new_id("req"))
    deadline: float | None = None

    def fingerprint(self) -> str:
        """What must be equal when an Idempotency-Key comes again: the command, its arguments and who asks."""
        content = [self.name, self.args, self.principal.role, self.principal.id]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(slots=True)
class Answer:
    """status: an HTTP status. body: the view, or the problem when the call was refused."""

    status: int
    body: dict[str, Any]
    replayed: bool = False

    @property
    def ok(self) -> bool:
        return self.status < 400


def refused(refusal: Refusal) -> Answer:
    body = refusal.problem()
    if refusal.retry_after:
        body["retry_after"] = refusal.retry_after
    return Answer(refusal.status, body)
