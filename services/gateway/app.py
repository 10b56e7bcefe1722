"""The gateway: one public HTTP API in front of the services, with no data of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import orjson
from werkzeug.wrappers import Response

from services.gateway.answers import problem_response, respond
from services.gateway.authentication import Authentication
from services.gateway.bodies import json_object
from services.gateway.clients import Clients
from services.gateway.inquiry import Inquiry, correlation_of, key_of, version_of
from services.gateway.links import Links
from services.gateway.metrics import Metrics
from services.gateway.openapi import document
from services.gateway.problems import ReadItFirst, ScopeMissing, problem
from services.gateway.rates import Rates
from services.gateway.routes import ROUTES
from services.gateway.table import ANY_CALLER, Compiled, Table
from shared.documents.printer import Printer
from shared.kernel.calls import InternalError
from shared.kernel.errors import InvalidInput, Refusal
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.ops.settings import Settings
from shared.storage.blobs import blobs_at

log = logging.getLogger(__name__)
STREAMED = frozenset({"/files"})  # bodies that are too large to be read before they are looked at
NOBODY = Principal("system", "nobody", "none")  # who asks for pages that are open to everybody


def build(settings: Settings, clients: Clients) -> Gateway:
    """The gateway on these services."""
    return Gateway(settings, clients)


class Gateway:
    """The WSGI application. stopping: set before a stop, so that readiness sends new requests elsewhere."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self.settings, self.clients = settings, clients
        self.table = Table(ROUTES)
        self.metrics = Metrics()
        self.stopping = False
        self._authentication = Authentication(settings)
        self.rates = Rates(settings)
        self.printer = Printer()
        self.pay_patience = 1.0  # times two seconds: how long a payer waits here for the provider's page
        self.links = Links(settings)
        self.blobs = blobs_at(settings.attachments, settings.data_dir / "attachments", settings.s3_endpoint)

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document; made when it is first asked for, since most processes never are."""
        return orjson.dumps(document(self.table.routes))

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        started = time.perf_counter()
        correlation = correlation_of(environ)
        name, response = self._answer(environ, correlation)
        response.headers["X-Request-Id"] = correlation
        self.metrics.answered(name, response.status_code, time.perf_counter() - started)
        return response(environ, start_response)

    def _answer(self, environ: dict[str, Any], correlation: str) -> tuple[str, Response]:
        """The route's name for the metrics, and the response; whatever happens is a problem with a code."""
        name = "none"
        try:
            compiled, given = self.table.match(environ)
            name = compiled.name
            return name, self._routed(compiled, given, environ, correlation)
        except Refusal as refusal:
            return name, problem_response(problem(refusal), correlation, getattr(refusal, "headers", None))
        except Exception:
            incident = new_id("inc")
            log.exception("%s failed, incident %s, request %s", name, incident, correlation)
            return name, problem_response(InternalError(incident=incident).problem(), correlation)

    def _routed(self, compiled: Compiled, given: dict[str, str], environ: dict[str, Any], correlation: str) -> Response:
        route = compiled.route
        if route.scope is None and route.answer is not None:
            return route.answer(self, Inquiry(environ, compiled, dict(given), NOBODY, correlation))
        self.rates.admit_address(environ)
        principal = self._authentication.principal(environ)
        limits = self.rates.admit(principal)
        if principal.scopes and route.scope not in principal.scopes and route.scope != ANY_CALLER:
            raise ScopeMissing(scope=route.scope)
        inquiry = Inquiry(environ, compiled, _args(compiled, given, environ), principal, correlation)
        if route.writes:
            inquiry.key = key_of(environ, route.money)
            inquiry.version = version_of(environ)
            if route.if_match and not environ.get("HTTP_IF_MATCH"):
                raise ReadItFirst()
        if route.answer:
            answer = route.answer(self, inquiry)
        else:
            answer = self.clients.call(compiled.service, inquiry.call())
        response = answer if isinstance(answer, Response) else respond(answer, inquiry)
        response.headers.update(limits)
        return response


def _args(compiled: Compiled, given: dict[str, str], environ: dict[str, Any]) -> dict[str, Any]:
    """Path, and query or body. What the path says, nothing else may say again (T09)."""
    args = json_object(environ) if compiled.route.writes else {}
    if compiled.query is not None:
        args = compiled.query(environ.get("QUERY_STRING", ""))
    if said_twice := args.keys() & given.keys():
        raise InvalidInput(fields={name: ["Unknown field."] for name in sorted(said_twice)})
    return {**args, **given}
