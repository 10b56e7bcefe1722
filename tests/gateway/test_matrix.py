"""Every role × every route × own, foreign and other tenant's things, from the route table (R42, T01, T05)."""

from __future__ import annotations

import pytest

from services.gateway.app import build
from services.gateway.clients import DirectClients
from services.gateway.routes import ROUTES
from shared.kernel.ids import new_id
from shared.ops.settings import SERVICES
from tests.gateway.conftest import SECRET, UNLIMITED, Api
from tests.gateway.matrix import LETTERS, TABLE, World, caller
from tests.suite import Suite

GUARDED = [route for route in ROUTES if route.scope is not None]
NAMES = [f"{route.method} {route.path}" for route in GUARDED]
# Both say that the caller may not know of it; an order that is late cannot be told from one that never comes.
UNKNOWN = {"NOT_FOUND", "ORDER_NOT_SYNCED"}
CANARIES = ("Ada Byron", "ada@customer.example", "The lamp arrived", "PRIVATE-CANARY", "We look into it", "LAMP")


def make_world(folder) -> World:
    settings = {**UNLIMITED, "jwt_secret": SECRET, "instant_provider": True}
    suite = Suite(folder, SERVICES, **settings)
    return World(Api(suite, build(suite.settings, DirectClients(suite.joined))))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Shared by all attempts that must change nothing."""
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """Shared by all that is allowed: whatever became of its things, permissions stay what they are."""
    return make_world(tmp_path_factory.mktemp("lively"))


def ask(world: World, route, row, who):
    name = f"{route.method} {route.path}"
    body = {"body": world.filled(row.body, name)} if route.writes else {}
    return world.api.call(route.method, world.filled(route.path, name), who, key=new_id("key"), if_match="*", **body)


def ask_directly(world: World, route, row, who):
    """The same without the gateway: whoever reaches a service is judged there again."""
    name = f"{route.method} {route.path}"
    args = {**row.body, **{parameter: f"{{{parameter}}}" for parameter in route.parameters}}
    operation = route.operation.name
    if route.method == "PATCH" and "assignee" in args:
        operation = "claim.assign"
    return world.api.suite.call(operation, who, key=new_id("key"), **world.filled(args, name))


def test_every_route_has_a_row_in_the_matrix():
    assert set(NAMES) == set(TABLE)


@pytest.mark.capability("R42", "T01", "T05")
@pytest.mark.parametrize("route", GUARDED, ids=NAMES)
def test_nobody_reaches_what_is_not_his(world, route):
    row = TABLE[f"{route.method} {route.path}"]
    before = world.api.suite.event_count()
    wrong = []
    for letter, role in LETTERS.items():
        for standing in ("own", "foreign", "elsewhere"):
            who = caller(role, standing)
            if who is None or row.kind == "same" or _may(row, letter, standing):
                continue
            answer = ask(world, route, row, who)
            if not _denied(answer.status_code, answer.json, row, letter):
                wrong.append((role, standing, answer.status_code, answer.text[:200]))
            if any(canary in answer.text for canary in CANARIES):
                wrong.append((role, standing, "leaks", answer.text[:200]))
            if route.operation is not None:
                direct = ask_directly(world, route, row, who)
                if not _denied(direct.status, direct.body, row, letter):
                    wrong.append((role, standing, "directly", direct.status, str(direct.body)[:200]))
    assert not wrong
    assert world.api.suite.event_count() == before, "a refused request announced something"


def _may(row, letter, standing) -> bool:
    """A new thing in one's own tenant is nobody else's; everything else must be one's own."""
    return letter in row.may and (standing == "own" or (standing == "elsewhere" and row.kind == "new"))


def _denied(status, body, row, letter) -> bool:
    if row.kind == "list" and status == 200:
        return body["items"] == []
    if row.kind == "many" and status == 200:
        return {each["result"] for each in body["results"]} <= {"NOT_FOUND", "FORBIDDEN"}
    if status == 403:
        # somebody who may do this to his own things must not learn that there are others (T01)
        return row.kind == "new" or letter not in row.may
    return body.get("code") in UNKNOWN


@pytest.mark.capability("R42")
@pytest.mark.parametrize("route", GUARDED, ids=NAMES)
def test_everybody_may_do_what_is_theirs_to_do(lively, route):
    """Allowed: the state of the thing may still say no, permissions may not."""
    row = TABLE[f"{route.method} {route.path}"]
    wrong = []
    for letter in row.may:
        answer = ask(lively, route, row, caller(LETTERS[letter], "own"))
        empty = row.kind == "list" and answer.status_code == 200 and answer.json["items"] == []
        unknown = answer.status_code == 404 and answer.json["code"] == "NOT_FOUND"
        if unknown or answer.status_code in (401, 403) or answer.status_code >= 500 or empty:
            wrong.append((LETTERS[letter], answer.status_code, answer.text[:200]))
        if letter == "C" and "PRIVATE-CANARY" in answer.text:
            wrong.append((LETTERS[letter], "leaks", answer.text[:200]))
        if letter in "SKAPO" and route.path.endswith("/messages") and not route.writes:
            assert "PRIVATE-CANARY" in answer.text  # or the canary above would prove nothing
    assert not wrong
