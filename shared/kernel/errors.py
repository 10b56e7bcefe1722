"""Refusals: an error has a stable code for programs, details for interfaces, and a sentence for people.

The sentence is written once, as the class's docstring; `{name}` in it is filled from the details.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """The request was refused."""

    code: ClassVar[str] = "REFUSED"
    status: ClassVar[int] = 409
    rule: ClassVar[str | None] = None
    retry_after: ClassVar[int | None] = None

    def __init__(self, **details: Any) -> None:
        super().__init__()
        self.details = details

    @property
    def sentence(self) -> str:
        """Made when somebody reads it: guards make many refusals that nobody ever sees."""
        return (type(self).__doc__ or "").strip().split("\n\n")[0].format_map(_Known(self.details))

    def __str__(self) -> str:
        return self.sentence

    def problem(self) -> dict[str, Any]:
        """The `application/problem+json` body (RFC 9457) that every service answers for this refusal."""
        body: dict[str, Any] = {
            "type": f"urn:aftersale:problem:{self.code.lower().replace('_', '-')}",
            "title": self.sentence,
            "status": self.status,
            "code": self.code,
        }
        if self.rule:
            body["rule"] = self.rule
        if self.details:
            body["details"] = self.details
        return body


class _Known(dict):
    """Leaves a placeholder as it stands when the details do not name it."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class NotFound(Refusal):
    """There is no such {kind}, or you may not see it."""

    code = "NOT_FOUND"
    status = 404


class Forbidden(Refusal):
    """Your role may not do this."""

    code = "FORBIDDEN"
    status = 403


class Unauthenticated(Refusal):
    """Sign in again: the token is missing, expired or not ours."""

    code = "UNAUTHENTICATED"
    status = 401


class InvalidInput(Refusal):
    """Some fields are not as they should be: see details.fields."""

    code = "INVALID_INPUT"
    status = 422

    def __init__(self, behind: str | None = None, /, **details: Any) -> None:
        """behind: the rule that a field broke, where one stands behind its form (`M1`: amounts are whole numbers)."""
        super().__init__(**details)
        self.behind = behind

    def problem(self) -> dict[str, Any]:
        return super().problem() | ({"rule": self.behind} if self.behind else {})


class NotInThisState(Refusal):
    """A {kind} that is {state} cannot {action}."""

    code = "NOT_IN_THIS_STATE"
    status = 409


class StaleVersion(Refusal):
    """This was changed by somebody else since you read it: read it again, then repeat."""

    code = "STALE_VERSION"
    status = 412


class Busy(Refusal):
    """Too many changes to the same thing at once: repeat the call with the same Idempotency-Key."""

    code = "BUSY"
    status = 503
    retry_after = 1


class IdempotencyKeyRequired(Refusal):
    """This command moves money: send an Idempotency-Key header, and the same one again when you repeat the call."""

    code = "IDEMPOTENCY_KEY_REQUIRED"
    status = 400


class IdempotencyKeyReused(Refusal):
    """This Idempotency-Key was used before with other content: make a new key for a new request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422


class IdempotencyInProgress(Refusal):
    """The first request with this Idempotency-Key is still running: repeat it in a second."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    status = 409
    retry_after = 1


class DeadlineExceeded(Refusal):
    """The caller's deadline passed before the work began; nothing was done."""

    code = "DEADLINE_EXCEEDED"
    status = 504
