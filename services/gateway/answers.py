"""Answers of services as HTTP responses: ETag, conditions, problems, and the headers that every answer carries."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from werkzeug.wrappers import Response

from services.gateway.inquiry import Inquiry
from shared.kernel.calls import Answer

JSON = "application/json"
PROBLEM = "application/problem+json"
# What nothing that this API answers may ever do in a browser.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def respond(answer: Answer, inquiry: Inquiry) -> Response:
    """The response to a request that a service, or a page of several, answered."""
    if not answer.ok:
        return problem_response(answer.body, inquiry.correlation)
    route = inquiry.compiled.route
    raw = orjson.dumps(answer.body)
    response = Response(raw, route.status, SAFE, content_type=JSON)
    headers = response.headers
    version = answer.body.get("version")
    if route.writes:
        headers["Cache-Control"] = "no-store"
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        if version is not None:
            response.set_etag(str(version))
        if route.location:
            headers["Location"] = route.location.format_map(answer.body)
        return response
    headers["Cache-Control"] = "private, no-cache"
    headers["Vary"] = "Authorization, X-Api-Key"
    # The version alone would not do: what one may do now, and the parts of a page, change without it.
    digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
    response.set_etag(digest if version is None else f"{version}-{digest}")
    return unless_known(response, inquiry.environ)


def unless_known(response: Response, environ: dict[str, Any]) -> Response:
    """304 when If-None-Match names this answer. Other conditions say nothing about a read."""
    condition = environ.get("HTTP_IF_NONE_MATCH")
    if condition is None:
        return response
    return response.make_conditional({"REQUEST_METHOD": environ["REQUEST_METHOD"], "HTTP_IF_NONE_MATCH": condition})


def problem_response(body: dict[str, Any], correlation: str, headers: dict[str, str] | None = None) -> Response:
    """`application/problem+json` (RFC 9457)."""
    body = {**body, "request_id": correlation}
    # a wrong item of a list is named by its index, a number
    response = Response(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), body["status"], SAFE, content_type=PROBLEM)
    response.headers["Cache-Control"] = "no-store"
    if body["status"] == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="aftersale"'
    if "retry_after" in body:
        response.headers["Retry-After"] = str(body["retry_after"])
    if headers:
        response.headers.update(headers)
    return response
