"""The OpenAPI 3.1 document: made from the route table and the contracts' schemas, so that it cannot differ (T40)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields

from services.gateway.bodies import MOST
from services.gateway.problems import OWN
from services.gateway.table import ANY_CALLER, PARAMETER, Route
from services.gateway.views import Problem
from shared.contracts.catalogue import specification, without
from shared.kernel import errors

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}$"
DESCRIPTION = """What happens after a sale: orders, claims, conversations, refunds and notifications.

Amounts are whole numbers of minor units (cents); times are RFC 3339 in UTC. Every refusal is `application/problem+json`
with a stable `code`. Lists page by `cursor`. Every read answers an `ETag` and honours `If-None-Match`; send it back as
`If-Match` to change only what you read. Every write takes an `Idempotency-Key`; those that move money need one.
Repeat a write that was not answered with the same key: it is done once.
"""
CODES = sorted(
    {kind.code for kind in (*OWN, *vars(errors).values()) if isinstance(kind, type) and hasattr(kind, "code")}
)
STATUSES = {
    400: "Malformed path, header or body; or an Idempotency-Key is missing where money moves",
    401: "No credentials, or none that are valid",
    403: "The role, or the key's scopes, do not allow it",
    408: "The body did not arrive in time",
    404: "There is no such thing, or the caller may not see it",
    409: "The state of the thing does not allow it; or the first request with this Idempotency-Key still runs",
    411: "A chunked body that this server does not decode",
    412: "Somebody else changed it since it was read",
    413: f"The body is larger than {MOST} bytes",
    414: "Path and query are too long",
    415: "The body is not application/json",
    422: "A field is not as it should be, or a rule refuses; or the Idempotency-Key was used for something else",
    428: "If-Match is missing",
    429: "Too many requests",
    500: "Something failed on our side; nothing was changed",
    503: "A service does not answer, or is too busy",
    504: "The deadline passed before the work began",
}
PAGES = ("/pay/",)  # where people come with a link and no account
HEADERS = {
    "X-Request-Id": "Names this request in our logs",
    "ETag": "The version, to be sent back as If-Match or If-None-Match",
    "Idempotent-Replayed": "`true`: this Idempotency-Key was used before; this is the first answer again",
    "Location": "Where the new thing is",
    "RateLimit": "What is left in this minute",
    "RateLimit-Policy": "The limit that applies",
    "Retry-After": "Seconds to wait",
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document as plain data."""
    spec = specification("Aftersale", "1", DESCRIPTION)
    spec.options["servers"] = [{"url": "/"}]
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT or API key"})
    spec.components.security_scheme("apiKey", {"type": "apiKey", "in": "header", "name": "X-Api-Key"})
    for name, text in HEADERS.items():
        spec.components.header(name, {"description": text, "schema": {"type": "string"}})
    for status, text in STATUSES.items():
        spec.components.response(f"Problem{status}", _problem_response(status, text))
    for route in routes:
        spec.path(PARAMETER.sub(r"{\1}", route.path), operations={route.method.lower(): _operation(spec, route)})
    made = spec.to_dict()
    made["components"]["schemas"]["Problem"]["properties"]["code"]["examples"] = CODES
    return made


def _problem_content() -> dict[str, Any]:
    return {"application/problem+json": {"schema": Problem}}


def _problem_response(status: int, text: str) -> dict[str, Any]:
    names = ["X-Request-Id"] + (["Retry-After"] if status in (409, 429, 503) else [])
    return {
        "description": text,
        "headers": _headers(names),
        "content": _problem_content(),
    }


def _operation(spec: Any, route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.id,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(spec, route),
        "responses": _responses(route),
    }
    if route.scope is not None:
        needed = [] if route.scope == ANY_CALLER else [route.scope]
        found["security"] = [{"token": []}, {"apiKey": []}]
        found["x-scope"] = needed[0] if needed else ""
    else:
        found["security"] = []
    if route.path.startswith(PAGES) and route.writes:
        form = {"type": "object", "properties": {"with": {"enum": ["stripe", "paypal", "restart"]}}}
        found["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    elif route.writes and route.takes is not None and (body := _body(route, route.takes)):
        found["requestBody"] = body
    return found


def _body(route: Route, takes: Schema) -> dict[str, Any] | None:
    """None where the path says everything."""
    if route.tag == "hooks":  # the raw body of another's format
        return {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    if route.path == "/files":
        return {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}
    schema = without(takes, route.parameters)
    if not schema.fields:
        return None
    required = any(field.required for field in schema.fields.values())
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _parameters(spec: Any, route: Route) -> list[dict[str, Any]]:
    found = [_path_parameter(name, route.takes) for name in route.parameters]
    if route.path == "/files" and route.takes is not None:
        return _query_parameters(spec, route.takes)
    if route.writes:
        if route.scope is not None:
            found.append(_header("Idempotency-Key", "New for each new request", route.money, 200))
            found.append(_header("If-Match", "An ETag that was read: change only this version", route.if_match))
        return found
    if route.scope is not None:
        found.append(_header("If-None-Match", "An ETag that was read: 304 when nothing changed", False))
    if route.takes is not None:
        found += _query_parameters(spec, without(route.takes, route.parameters))
    return found


def _path_parameter(name: str, schema: Schema | None) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "string", "pattern": ID_PATTERN}
    return {"name": name, "in": "path", "required": True, "schema": shape}


def _header(name: str, text: str, required: bool, most: int | None = None) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "string"}
    if most:
        shape |= {"minLength": 1, "maxLength": most, "pattern": "^[!-~]+$"}
    elif name == "If-Match":
        shape |= {"pattern": r'^(\*|(W/)?"\d{1,9}(-[0-9a-f]+)?")$'}
    return {"name": name, "in": "header", "required": required, "description": text, "schema": shape}


def _query_parameters(spec: Any, schema: Schema) -> list[dict[str, Any]]:
    converter = spec.plugins[0].converter
    made = converter.schema2parameters(schema, location="query")
    for parameter in made:
        parameter.pop("explode", None)
        parameter.pop("style", None)
        if isinstance(schema.fields.get(parameter["name"]), fields.List):
            parameter["explode"], parameter["style"] = True, "form"
    return made


def _responses(route: Route) -> dict[str, Any]:
    if route.path.startswith(PAGES):
        return _page_answers(route)
    answers: dict[str, Any] = {str(route.status): _success(route)}
    for status in _possible(route):
        answers[str(status)] = f"Problem{status}"
    if not route.writes and (route.scope is not None or route.path in ("/openapi.json", "/docs", "/docs/{file}")):
        answers["304"] = {"description": "Not changed since it was read", "headers": _headers(["X-Request-Id", "ETag"])}
    if route.path == "/readyz":
        answers["503"] = {"description": "Stopping", "content": {"application/json": {"schema": route.view}}}
    return answers


def _page_answers(route: Route) -> dict[str, Any]:
    """A page for people answers people: what it refuses is a page too. Who accepts JSON alone gets a problem."""
    page = {"headers": _headers(["X-Request-Id"]), "content": {"text/html": {"schema": {"type": "string"}}}}
    answers: dict[str, Any] = {
        "200": {"description": route.summary, **page},
        "404": {"description": "There is no such link", **page, "content": {**page["content"], **_problem_content()}},
        "410": {
            "description": "The link is paid, expired or revoked: it works no more",
            **page,
            "content": {**page["content"], **_problem_content()},
        },
    }
    if route.writes:
        answers["303"] = {"description": "To the provider's page, or back to this one"}
    others = [400, 405, 411, 413, 414, 415, 429, 500, 503] if route.writes else [400, 414, 429, 500, 503]
    return answers | {str(status): f"Problem{status}" for status in others if status in STATUSES}


def _possible(route: Route) -> list[int]:
    if route.path == "/files":
        return [400, 404, 408, 409, 411, 413, 414, 415, 429, 500, 503, 504]
    if route.scope is None and not route.writes:
        some = [429, 503] if route.path == "/documents" else []
        return sorted([400, *([404] if route.parameters or some else []), 414, 500, *some])
    found = {400, 401, 403, 404, 409, 414, 422, 429, 500, 503, 504}
    if route.writes:
        found |= {411, 412, 413, 415}
    if route.if_match:
        found.add(428)
    return sorted(found)


def _success(route: Route) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if route.scope is not None:
        names += ["ETag", "RateLimit", "RateLimit-Policy"]
        names += ["Idempotent-Replayed"] if route.writes else []
        names += ["Location"] if route.location else []
    found: dict[str, Any] = {"description": route.summary, "headers": _headers(names)}
    files = {"/v1/claims/{claim_id}/case-file": "application/zip"}
    if kind := _kind(route):
        found["content"] = {kind: {"schema": {"type": "string"}}}
    elif route.path in files:
        found["content"] = {files[route.path]: {}}
    elif route.path == "/files" and not route.writes:
        found["content"] = {"*/*": {"schema": {"type": "string"}}}
    elif route.path == "/openapi.json":
        found["content"] = {"application/json": {"schema": {"type": "object"}}}
    else:
        found["content"] = {"application/json": {"schema": route.view}}
    return found


def _kind(route: Route) -> str | None:
    """The type of what is not JSON."""
    if route.path.endswith((".html", ".pdf")):
        return "text/html" if route.path.endswith(".html") else "application/pdf"
    pages = {
        "/metrics": "text/plain",
        "/docs": "text/html",
        "/docs/{file}": "*/*",
        "/documents": "*/*",
        "/mail/renew/{token}": "text/html",
        "/reminders/{tenant}/{plan_id}/{token}": "text/html",
    }
    return pages.get(route.path)


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
