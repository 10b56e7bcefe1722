"""What is open to everybody: health, metrics, the API document and its page; and who the caller is."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from werkzeug.wrappers import Response

from services.gateway import views
from services.gateway.answers import unless_known
from services.gateway.inquiry import Inquiry
from services.gateway.problems import NoSuchRoute
from services.gateway.table import ANY_CALLER, Route
from shared.kernel.calls import Answer

STATIC = Path(__file__).parent.parent / "static"
KINDS = {
    "index.html": "text/html; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
# Everything comes from here; the page's own style attributes and the pictures in its style sheet are the exceptions.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def live(gateway: Any, inquiry: Inquiry) -> Response:
    """This process answers."""
    return _json({"status": "alive"})


def ready(gateway: Any, inquiry: Inquiry) -> Response:
    """New requests may come. A service that is down does not make the gateway unready: the other parts go on (R32)."""
    return _json({"status": "stopping"}, 503) if gateway.stopping else _json({"status": "ready"})


def metrics(gateway: Any, inquiry: Inquiry) -> Response:
    return Response(gateway.metrics.text(), content_type=gateway.metrics.content_type)


def openapi(gateway: Any, inquiry: Inquiry) -> Response:
    response = Response(gateway.document, content_type="application/json")
    response.headers["Cache-Control"] = "public, max-age=60"
    response.add_etag()
    return unless_known(response, inquiry.environ)


def page(gateway: Any, inquiry: Inquiry) -> Response:
    return _file("index.html", inquiry)


def asset(gateway: Any, inquiry: Inquiry) -> Response:
    return _file(inquiry.args["file"], inquiry)


def _file(name: str, inquiry: Inquiry) -> Response:
    """One of the files of the page, and none else: the name is looked up, never joined to a path."""
    if name not in KINDS:
        raise NoSuchRoute()
    response = Response(_bytes(name), content_type=KINDS[name])
    response.headers.update(
        {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    )
    response.add_etag()
    return unless_known(response, inquiry.environ)


@cache
def _bytes(name: str) -> bytes:
    return (STATIC / name).read_bytes()


def me(gateway: Any, inquiry: Inquiry) -> Answer:
    """Who the credentials stand for."""
    who = inquiry.principal
    body = {"role": who.role, "id": who.id, "tenant": who.tenant, "party": who.party, "name": who.name}
    return Answer(200, {**body, "scopes": sorted(who.scopes)})


def _json(body: dict[str, Any], status: int = 200) -> Response:
    response = Response(orjson.dumps(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


ROUTES = (
    Route("GET", "/v1/me", "Who the credentials stand for", scope=ANY_CALLER, view=views.Me(), answer=me, tag="me"),
    Route("GET", "/livez", "Is the process alive?", view=views.Health(), answer=live),
    Route("GET", "/readyz", "May new requests come?", view=views.Health(), answer=ready),
    Route("GET", "/metrics", "Metrics in Prometheus' text format", answer=metrics),
    Route("GET", "/openapi.json", "This document", answer=openapi),
    Route("GET", "/docs", "This document as a page", answer=page),
    Route("GET", "/docs/{file}", "The files of that page", answer=asset),
)
