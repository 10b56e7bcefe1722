"""What the gateway itself refuses, before any service is asked. Codes are stable; no exception text is among them."""

from __future__ import annotations

from typing import Any

from shared.kernel.errors import Refusal


class NoSuchRoute(Refusal):
    """There is nothing at this address: see /docs for what there is."""

    code = "NO_SUCH_ROUTE"
    status = 404


class MethodNotAllowed(Refusal):
    """This address takes {allow}."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self.details["allow"]}


class MalformedPath(Refusal):
    """The path or query is not valid UTF-8, or a parameter is given twice or holds control characters."""

    code = "MALFORMED_PATH"
    status = 400


class UriTooLong(Refusal):
    """The path and query are longer than {most} characters."""

    code = "URI_TOO_LONG"
    status = 414


class MalformedBody(Refusal):
    """The body is not one JSON object: {reason}."""

    code = "MALFORMED_BODY"
    status = 400


class BodyTooLarge(Refusal):
    """The body is larger than {most} bytes."""

    code = "BODY_TOO_LARGE"
    status = 413


class LengthRequired(Refusal):
    """Send the body with a Content-Length."""

    code = "LENGTH_REQUIRED"
    status = 411


class UnsupportedMediaType(Refusal):
    """Send the body as application/json in UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class UnsupportedEncoding(Refusal):
    """Send the body uncompressed: no Content-Encoding is taken."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class MalformedHeader(Refusal):
    """The header {header} is not as it should be: {reason}."""

    code = "MALFORMED_HEADER"
    status = 400


class ReadItFirst(Refusal):
    """Send If-Match with the ETag you read, so that nobody's change is overwritten unseen."""

    code = "PRECONDITION_REQUIRED"
    status = 428


class ScopeMissing(Refusal):
    """This key or token lacks the scope {scope}."""

    code = "SCOPE_MISSING"
    status = 403


class TooManyRequests(Refusal):
    """Too many requests from this {whose}: wait {seconds} seconds."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, headers: dict[str, str], **details: Any) -> None:
        super().__init__(**details)
        self.headers = headers


class TooSlow(Refusal):
    """The body did not arrive within {seconds} seconds: send it again, on a better line."""

    code = "REQUEST_TOO_SLOW"
    status = 408


class ServiceUnavailable(Refusal):
    """The {service} service does not answer just now: repeat the call in a moment, a write with its Idempotency-Key."""

    code = "SERVICE_UNAVAILABLE"
    status = 503
    retry_after = 2


class ServiceBusy(Refusal):
    """Too many requests wait for the {service} service: come back in a moment, a write with its Idempotency-Key."""

    code = "SERVICE_BUSY"
    status = 503
    retry_after = 2


class LinkPaid(Refusal):
    """This payment link was used: what it asked for is paid."""

    code = "PAYMENT_LINK_OVER"
    status = 410
    rule = "PAY-04"


class LinkOver(Refusal):
    """This payment link is {state}: it works no more."""

    code = "PAYMENT_LINK_OVER"
    status = 410
    rule = "PAY-06"


OWN: tuple[type[Refusal], ...] = (
    NoSuchRoute,
    MethodNotAllowed,
    MalformedPath,
    UriTooLong,
    MalformedBody,
    BodyTooLarge,
    LengthRequired,
    UnsupportedMediaType,
    MalformedHeader,
    ReadItFirst,
    ScopeMissing,
    TooManyRequests,
    TooSlow,
    ServiceUnavailable,
    ServiceBusy,
    LinkOver,
)


def problem(refusal: Refusal) -> dict[str, Any]:
    """The body of this refusal, with the wait where there is one."""
    body = refusal.problem()
    if refusal.retry_after:
        body["retry_after"] = refusal.retry_after
    return body


class ObserverAddressRefused(Refusal):
    """This address is the requester's own: he follows his request anyway."""

    code = "OBSERVER_ADDRESS_REFUSED"
    status = 422
    rule = "A5"
