"""The route table: one line per route, from which matching, OpenAPI, docs/api.md and the role matrix are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema
from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NothingThere
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from services.gateway.bodies import query_reader
from services.gateway.clients import owner_of
from services.gateway.problems import MalformedPath, MethodNotAllowed, NoSuchRoute, UriTooLong
from shared.contracts.registry import Operation

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ANY_CALLER = "any"  # a scope that every key has
LONGEST_URI = 4096  # characters of path and query
PARAMETER = re.compile(r"{(\w+)}")
VERB = re.compile(r":([a-z-]+)$")


@dataclass(frozen=True)
class Route:
    """One method of one path.

    path: with `{name}` for each argument that the path gives; the names are the operation's own.
    scope: what a narrowed key needs; ANY_CALLER: credentials, no scope;
    None: open to everybody, without credentials.
    view: what it answers (a schema of views.py). status: of success.
    answer: how it is answered, for those that are more than one call of `operation`: (gateway, inquiry) → Answer or
    Response.
    schema: of query or body, where it differs from the operation's.
    location: of what was made, filled from the answer.
    """

    method: str
    path: str
    summary: str
    operation: Operation | None = None
    scope: str | None = None
    view: Schema | None = None
    status: int = 200
    answer: Callable[[Any, Any], Any] | None = None
    schema: Schema | None = None
    location: str | None = None
    if_match: bool = False  # required, not only honoured
    tag: str = "system"
    parameters: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.scope is None and self.answer is None:
            raise ValueError(f"{self.path}: only what answers by itself may be open to everybody")
        object.__setattr__(self, "parameters", tuple(PARAMETER.findall(self.path)))

    @property
    def id(self) -> str:
        """The operationId: unique, stable."""
        words = re.sub(r"[^a-zA-Z0-9]+", "_", PARAMETER.sub(lambda found: f"by_{found[1]}", self.path)).strip("_")
        return f"{self.method.lower()}_{words}"

    @property
    def writes(self) -> bool:
        return self.method in WRITING

    @property
    def takes(self) -> Schema | None:
        """The schema of its query or body, path arguments included."""
        return self.schema or (self.operation.schema if self.operation else None)

    @property
    def money(self) -> bool:
        return self.operation is not None and self.operation.money


class Compiled:
    """A route with what each request needs, worked out once."""

    __slots__ = ("name", "operation", "query", "route", "service")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.name = f"{route.method} {route.path}"
        self.operation = route.operation.name if route.operation else ""
        self.service = owner_of(self.operation) if route.operation else ""
        self.query = query_reader(route.takes) if route.takes and not route.writes else None


class Table:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._map = Map(converters=_converters(self.routes), merge_slashes=False, redirect_defaults=False)
        for route in self.routes:
            self._map.add(Rule(_rule(route), methods=[route.method], endpoint=Compiled(route)))
        self._adapter = self._map.bind("gateway")
        self._map.update()

    def match(self, environ: dict[str, Any]) -> tuple[Compiled, dict[str, str]]:
        """The route and the arguments in the path. Raises NoSuchRoute, MethodNotAllowed, MalformedPath, UriTooLong."""
        if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > LONGEST_URI:
            raise UriTooLong(most=LONGEST_URI)
        try:
            path = environ["PATH_INFO"].encode("latin-1").decode()
        except UnicodeError:
            raise MalformedPath() from None
        if "\0" in path:
            raise MalformedPath()
        try:
            compiled, given = self._adapter.match(path, environ["REQUEST_METHOD"])
            return compiled, dict(given)
        except WrongMethod as wrong:
            raise MethodNotAllowed(allow=", ".join(sorted(wrong.valid_methods or ()))) from None
        except (NothingThere, RequestRedirect):
            raise NoSuchRoute() from None


def _rule(route: Route) -> str:
    """`/v1/orders/{order_id}:ship` in werkzeug's words; before a verb an id may look as it likes."""
    kind = "before_verb" if VERB.search(route.path) else "id"
    return PARAMETER.sub(rf"<{kind}:\1>", route.path)


def _converters(routes: Iterable[Route]) -> dict[str, type[BaseConverter]]:
    """Ids may hold colons. `ord_1:ship` is the verb ship of ord_1, for every verb of the table and every method."""
    verbs = "|".join(sorted({found[1] for route in routes if (found := VERB.search(route.path))}))
    id = r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}"

    class IdConverter(BaseConverter):
        regex = rf"(?![^/]*:(?:{verbs})$){id}"

    class BeforeVerb(BaseConverter):
        regex = id

    return {"id": IdConverter, "before_verb": BeforeVerb}
