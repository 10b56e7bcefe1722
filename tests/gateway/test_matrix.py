"""Every role × every route and operation × own, foreign, former and other tenant's things (R42, T01, T05).

Generated from the route table and from what the services take: what declares nobody is refused.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import orjson
import pytest

from services.gateway.routes import ROUTES
from services.gateway.table import ANY_CALLER, Route
from shared.contracts.registry import Operation
from shared.contracts.roles import ANYTHING, NEW
from shared.edge.call_endpoint import CallEndpoint
from shared.edge.tokens import Signer
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.ops.settings import SERVICES
from shared.runtime.tables import Contents
from tests.gateway.conftest import SECRET, UNLIMITED, Api
from tests.gateway.matrix import ROLES, STANDINGS, World, caller
from tests.suite import owner_of

GUARDED = [route for route in ROUTES if route.scope not in (None, ANY_CALLER)]
CONTENTS: dict[str, Contents] = {name: import_module(f"services.{name}.handlers").CONTENTS for name in SERVICES}
TAKEN: list[Operation] = [each.operation for found in CONTENTS.values() for each in (*found.commands, *found.queries)]
# Both say that the caller may not know of it; an order that is late cannot be told from one that never comes.
UNKNOWN = {"NOT_FOUND", "ORDER_NOT_SYNCED"}
CANARIES = ("Ada Byron", "ada@customer.example", "The lamp arrived", "PRIVATE-CANARY", "We look into it", "LAMP")
Found = tuple[int, Any, str]  # status, body, text


def make_world(suites) -> World:
    settings = {**UNLIMITED, "jwt_secret": SECRET, "instant_provider": True, "relay_domain": "reply.shop.example"}
    suite = suites(**settings)
    return World(Api(suite, suite.gateway()))


@pytest.fixture(scope="module")
def world(suite_of_module):
    """Shared by all attempts that must change nothing."""
    return make_world(suite_of_module)


@pytest.fixture(scope="module")
def lively(suite_of_module):
    """Shared by all that is allowed: whatever became of its things, permissions stay what they are."""
    return make_world(suite_of_module)


def by_route(world: World, route: Route, who: Principal) -> Found:
    """Through the gateway."""
    name = f"{route.method} {route.path}"
    args = world.args(route.takes, name, route.operation.name)
    path = world.path(route.path, args)
    args = {key: value for key, value in args.items() if key not in route.parameters}
    sent = {"body": args} if route.writes else {"query_string": args}
    answer = world.api.call(route.method, path, who, key=new_id("key"), if_match="*", **sent)
    if not answer.is_json and answer.status_code == 200:  # a file; what is in it is tested where it is made
        return 200, {"bytes": len(answer.data)}, ""
    return answer.status_code, answer.json, answer.text


def directly(world: World, operation: Operation, who: Principal) -> Found:
    """At the call endpoint of the service, past the gateway: whoever reaches a service is judged there again."""
    app = owner_of(world.api.suite.apps, operation.name)
    call = {"name": operation.name, "args": world.args(operation.schema, operation.name), "token": 0}
    call |= {"key": new_id("key"), "correlation": "matrix"}
    body = orjson.dumps({"calls": [call], "tokens": [Signer(app.name, SECRET).token(who)]})
    [answer] = orjson.loads(CallEndpoint(app, SECRET).answer(body))["answers"]
    return answer["status"], answer["body"], orjson.dumps(answer["body"]).decode()


WAYS = [pytest.param(by_route, route, route.operation, id=f"{route.method} {route.path}") for route in GUARDED]
WAYS += [pytest.param(directly, operation, operation, id=operation.name) for operation in TAKEN]


@pytest.mark.capability("R42", "T05")
def test_every_operation_says_who_may_and_whether_it_reads():
    undeclared = [operation.name for operation in TAKEN if not operation.may]
    assert not undeclared, "say who may: Operation(…, may=…), with a set of shared/contracts/roles.py"
    assert {each.operation.name for found in CONTENTS.values() for each in found.queries} == {
        operation.name for operation in TAKEN if operation.reads
    }, "a query says reads=True, a command does not"


@pytest.mark.capability("R42")
def test_every_route_with_a_scope_stands_on_an_operation_that_a_service_takes():
    assert [route.path for route in GUARDED if route.operation not in TAKEN] == []


@pytest.mark.capability("R42", "T01", "T05", "I6", "I7")
@pytest.mark.parametrize(("ask", "what", "operation"), WAYS)
def test_nobody_reaches_what_is_not_his(world, ask, what, operation):
    before = world.api.suite.event_count()
    wrong = []
    for role in ROLES:
        for standing in STANDINGS:
            who = caller(role, standing)
            if who is None or _may(operation, role, standing):
                continue
            status, body, text = ask(world, what, who)
            if not _denied(status, body, operation, role):
                wrong.append((role, standing, status, text[:200]))
            if any(canary in text for canary in CANARIES):
                wrong.append((role, standing, "leaks", text[:200]))
    assert not wrong
    assert world.api.suite.event_count() == before, "a refused request announced something"


@pytest.mark.capability("R42")
@pytest.mark.parametrize(("ask", "what", "operation"), WAYS)
def test_everybody_may_do_what_is_theirs_to_do(world, lively, ask, what, operation):
    """Allowed: the state of the thing may still say no, permissions may not."""
    wrong = []
    for role in ROLES:
        if role not in operation.may:
            continue
        status, body, text = ask(world if operation.reads else lively, what, caller(role, "own"))
        code = body.get("code")
        unusable = code in ("NOT_FOUND", "INVALID_INPUT") or status in (401, 403) or status >= 500
        if unusable or (operation.reads and _says_nothing(body)):
            wrong.append((role, status, text[:200]))
        if role == "customer" and "PRIVATE-CANARY" in text:
            wrong.append((role, "leaks", text[:200]))
        if operation.name == "thread.messages" and role not in ("customer", "mail_observer"):
            assert "PRIVATE-CANARY" in text  # or the canary above would prove nothing
    assert not wrong


def _may(operation: Operation, role: str, standing: str) -> bool:
    """A new thing in one's own tenant is nobody else's; everything else must be one's own."""
    if operation.on == ANYTHING:
        return role in operation.may
    return role in operation.may and (standing == "own" or (standing == "elsewhere" and operation.on == NEW))


def _denied(status: int, body: Any, operation: Operation, role: str) -> bool:
    if status == 200 and operation.reads:
        return _says_nothing(body)
    if status == 200 and "results" in body:
        return {each["result"] for each in body["results"]} <= {"NOT_FOUND", "FORBIDDEN"}
    if status == 403:
        # somebody who may do this to his own things must not learn that there are others (T01)
        return operation.on == NEW or role not in operation.may
    return body["code"] in UNKNOWN


def _says_nothing(value: Any) -> bool:
    """Empty lists, zeros, nulls, under names that the caller gave himself."""
    if isinstance(value, dict):
        return all(_says_nothing(each) for each in value.values())
    return not value
