"""The OpenAPI document and its page: every route, error, header and credential, as they are (U-17)."""

from __future__ import annotations

import re
from pathlib import Path

import openapi_spec_validator
import pytest

from services.gateway.api_page import page
from shared.contracts.catalogue import specification
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import agent, customer, integrator, seller

ROOT = Path(__file__).parents[2]
OPEN_TO_EVERYBODY = {
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/{file}",
    "GET /documents",
    "GET /pay/{token}",
    "POST /hooks/payments/paypal",
    "POST /hooks/payments/stripe",
    "POST /hooks/stripe",
    "POST /hooks/paypal",
    "GET /mail/renew/{token}",
    "POST /mail/renew/{token}",
    "POST /pay/{token}",
    "PUT /files",
    "GET /files",
    "GET /reminders/{tenant}/{plan_id}/{token}",
    "POST /reminders/{tenant}/{plan_id}/{token}",
}


@pytest.fixture
def bare(api_of):
    """The gateway with one service: enough for its document."""
    return api_of("order")


def operations(api):
    return [
        (f"{method.upper()} {path}", found)
        for path, methods in api.document["paths"].items()
        for method, found in methods.items()
    ]


@pytest.mark.capability("U-17", "T40")
def test_the_document_is_valid_and_holds_every_route_and_no_other(bare):
    openapi_spec_validator.validate(bare.document)
    assert bare.document["openapi"] == "3.1.0"
    routes = {f"{route.method} {route.path}" for route in bare.gateway.table.routes}
    assert {name for name, _ in operations(bare)} == routes
    ids = [found["operationId"] for _, found in operations(bare)]
    assert len(ids) == len(set(ids))


@pytest.mark.capability("U-17")
def test_every_error_is_a_problem_with_a_stable_code(bare):
    for name, found in operations(bare):
        for status, answer in found["responses"].items():
            if int(status) >= 400 and name != "GET /readyz" and "/pay/" not in name:
                assert answer == {"$ref": f"#/components/responses/Problem{status}"}, name
    for shown in bare.document["components"]["responses"].values():
        assert list(shown["content"]) == ["application/problem+json"]
    problem = bare.document["components"]["schemas"]["Problem"]
    assert {"code", "status", "title", "type", "request_id"} <= set(problem["required"])


@pytest.mark.capability("U-17")
def test_every_list_pages_by_cursor(bare):
    lists = [(name, found) for name, found in operations(bare) if _answers_a_list(bare.document, found)]
    assert len(lists) >= 10
    for name, found in lists:
        given = {parameter["name"] for parameter in found["parameters"] if parameter["in"] == "query"}
        assert {"limit", "cursor"} <= given, name


def _answers_a_list(document, found):
    schema = found["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = document["components"]["schemas"].get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
    return "next_cursor" in named.get("properties", {})


@pytest.mark.capability("U-17")
def test_every_write_takes_a_key_and_every_read_answers_an_etag(bare):
    for name, found in operations(bare):
        if name in OPEN_TO_EVERYBODY:
            continue
        given = {parameter["name"]: parameter for parameter in found["parameters"] if parameter["in"] == "header"}
        success = next(answer for status, answer in found["responses"].items() if status.startswith("2"))
        assert "ETag" in success["headers"], name
        if name.startswith("GET"):
            assert "If-None-Match" in given, name
            assert "304" in found["responses"], name
        else:
            assert {"Idempotency-Key", "If-Match"} <= set(given), name
            assert "Idempotent-Replayed" in success["headers"], name
    required = {
        name
        for name, found in operations(bare)
        if any(p["name"] == "Idempotency-Key" and p["required"] for p in found["parameters"])
    }
    moving = {"POST /v1/refunds", "POST /v1/claims/{claim_id}/resolutions", "POST /v1/orders/{order_id}/payments"}
    assert moving <= required


@pytest.mark.capability("U-17")
def test_every_read_answers_the_etag_it_promises(api):
    order = shipped_order(api)
    claim = open_claim(api, order)
    ids = {"order_id": order["id"], "claim_id": claim["id"], "thread_id": claim["id"].replace("clm_", "thr_")}
    read = 0
    for route in api.gateway.table.routes:
        if route.writes or route.scope is None or route.tag == "clock" or not set(route.parameters) <= set(ids):
            continue
        path = route.path.format_map(ids)
        first = api.call("GET", path, agent())
        assert first.status_code == 200, (path, first.text)
        again = api.call("GET", path, agent(), if_none_match=first.headers["ETag"])
        assert (again.status_code, again.data) == (304, b""), path
        read += 1
    assert read >= 12


def test_only_these_are_open_to_everybody(bare):
    without = {name for name, found in operations(bare) if found["security"] == []}
    assert without == OPEN_TO_EVERYBODY
    assert set(bare.document["components"]["securitySchemes"]) == {"token", "apiKey"}
    for route in bare.gateway.table.routes:
        if route.scope is not None:
            path = re.sub(r"{\w+}", "x1", route.path)
            assert bare.call(route.method, path).status_code == 401, route.id


def test_amounts_are_whole_numbers_and_urls_are_uris(bare):
    schemas = bare.document["components"]["schemas"]
    assert schemas["Money"]["properties"]["amount"]["type"] == "integer"
    assert "number" not in str(re.findall(r"'type': '(\w+)'", str(schemas)))
    assert schemas["OrderParcel"]["properties"]["tracking_url"]["format"] == "uri"
    assert schemas["OrderParcel"]["additionalProperties"] is False


def test_a_decimal_is_documented_as_text():
    from marshmallow import Schema, fields

    class Rate(Schema):
        rate = fields.Decimal()

    spec = specification("t", "1", "")
    spec.components.schema("Rate", schema=Rate)
    assert spec.to_dict()["components"]["schemas"]["Rate"]["properties"]["rate"]["type"] == "string"


@pytest.mark.capability("U-17")
def test_the_page_of_the_document_asks_nobody_outside(bare):
    shown = bare.call("GET", "/docs")
    assert shown.content_type.startswith("text/html")
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "http" not in policy
    assert not re.search(r"(src|href)=\"(?!/docs/)", shown.text)
    for name in re.findall(r"(?:src|href)=\"(/docs/[^\"]+)\"", shown.text):
        found = bare.call("GET", name)
        assert (found.status_code, len(found.data) > 100) == (200, True), name
        assert bare.call("GET", name, if_none_match=found.headers["ETag"]).status_code == 304
    assert "validatorUrl: null" in bare.call("GET", "/docs/start.js").text
    for outside in ("/docs/app.py", "/docs/..", "/docs/LICENSE.swagger-ui.txt", "/docs/%2e%2e%2fapp.py"):
        assert bare.call("GET", outside).status_code == 404


def test_metrics_name_routes_and_never_ids(api):
    order = shipped_order(api)
    api.get(f"/v1/orders/{order['id']}", customer())
    api.call("GET", "/v1/orders/ord_unknown", seller())
    api.call("GET", "/nowhere/at/all", integrator())
    text = api.call("GET", "/metrics").text
    assert 'aftersale_http_requests_total{route="GET /v1/orders/{order_id}",status="200"} 1.0' in text
    assert 'aftersale_http_requests_total{route="GET /v1/orders/{order_id}",status="404"} 1.0' in text
    assert 'aftersale_http_requests_total{route="none",status="404"} 1.0' in text
    assert 'aftersale_http_request_seconds_count{route="POST /v1/orders"} 1.0' in text
    assert order["id"] not in text
    assert "nowhere" not in text


def test_the_page_about_the_api_in_the_docs_is_the_table_as_it_is_now():
    assert (ROOT / "docs" / "api.md").read_text() == page(), "python -m services.gateway.api_page > docs/api.md"
