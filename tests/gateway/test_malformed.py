"""What clients must not get away with: malformed bodies, paths and headers, and fields that are none of theirs."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from services.gateway.bodies import MOST
from tests.gateway.conftest import token
from tests.suite import agent, coordinator, customer, integrator, order_args, seller

JSON = "application/json"
GOOD = b'{"number": "1"}'


def chunked(body: bytes) -> dict[str, Any]:
    return {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
    }


def sent(body: bytes, type: str = JSON, **environ: Any) -> dict[str, Any]:
    return {"CONTENT_TYPE": type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **environ}


# name: (what is sent to POST /v1/orders, the status, the code)
CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "cut JSON": (sent(b'{"number": "1"'), 400, "MALFORMED_BODY"),
    "no JSON": (sent(b"number=1"), 400, "MALFORMED_BODY"),
    "two documents": (sent(b"{}{}"), 400, "MALFORMED_BODY"),
    "a list": (sent(b'[{"number": "1"}]'), 400, "MALFORMED_BODY"),
    "a string": (sent(b'"number"'), 400, "MALFORMED_BODY"),
    "null": (sent(b"null"), 400, "MALFORMED_BODY"),
    "a name twice": (sent(b'{"total": 1, "total": 2}'), 400, "MALFORMED_BODY"),
    "a name twice, inside": (sent(b'{"customer": {"ref": "a", "name": "b:", "ref": "c"}}'), 400, "MALFORMED_BODY"),
    "a name twice, escaped": (sent(b'{"total": 1, "tot\\u0061l": 2}'), 400, "MALFORMED_BODY"),
    "NaN": (sent(b'{"total": NaN}'), 400, "MALFORMED_BODY"),
    "Infinity": (sent(b'{"total": -Infinity}'), 400, "MALFORMED_BODY"),
    "a number beyond doubles": (sent(b'{"total": 1e999}'), 400, "MALFORMED_BODY"),
    "a number of 5,000 digits": (sent(b'{"total": ' + b"9" * 5000 + b"}"), 400, "MALFORMED_BODY"),
    "33 levels": (sent(b'{"a":' * 33 + b"1" + b"}" * 33), 400, "MALFORMED_BODY"),
    "30,000 levels": (sent(b'{"a":' + b"[" * 30000 + b"]" * 30000 + b"}"), 400, "MALFORMED_BODY"),
    "half a UTF-8 character": (sent(b'{"number": "\xc3"}'), 400, "MALFORMED_BODY"),
    "UTF-16": (sent('{"number": "1"}'.encode("utf-16")), 400, "MALFORMED_BODY"),
    "half a surrogate pair": (sent(b'{"number": "\\ud800"}'), 400, "MALFORMED_BODY"),
    "a NUL in a value": (sent(b'{"number": "a\\u0000b"}'), 400, "MALFORMED_BODY"),
    "a NUL in a name": (sent(b'{"a\\u0000b": 1}'), 400, "MALFORMED_BODY"),
    "a comment": (sent(b'{"number": "1" /* one */}'), 400, "MALFORMED_BODY"),
    "half the body": (sent(GOOD, CONTENT_LENGTH="5000"), 400, "MALFORMED_BODY"),
    "a length that is no number": (sent(GOOD, CONTENT_LENGTH="ten"), 400, "MALFORMED_HEADER"),
    "a negative length": (sent(GOOD, CONTENT_LENGTH="-1"), 400, "MALFORMED_HEADER"),
    "a length and chunks": (
        {**sent(GOOD), "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
        400,
        "MALFORMED_HEADER",
    ),
    "a body of 400 MiB announced": (sent(GOOD, CONTENT_LENGTH=str(400 * MOST)), 413, "BODY_TOO_LARGE"),
    "a byte too many": (sent(b" " * (MOST + 1)), 413, "BODY_TOO_LARGE"),
    "chunks that never end": (
        {**chunked(b'{"number": "' + b"1" * MOST + b'"}'), "CONTENT_TYPE": JSON},
        413,
        "BODY_TOO_LARGE",
    ),
    "chunks that nobody decodes": (
        sent(GOOD, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"),
        411,
        "LENGTH_REQUIRED",
    ),
    "a form": (sent(b"number=1", "application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "text": (sent(GOOD, "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no type": (sent(GOOD, ""), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another character set": (sent(GOOD, "application/json; charset=latin-1"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a compressed body": (sent(GOOD, HTTP_CONTENT_ENCODING="gzip"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a key of control characters": (sent(GOOD, HTTP_IDEMPOTENCY_KEY="a\x01b"), 400, "MALFORMED_HEADER"),
    "a key without end": (sent(GOOD, HTTP_IDEMPOTENCY_KEY="k" * 201), 400, "MALFORMED_HEADER"),
    "an If-Match that is no version": (sent(GOOD, HTTP_IF_MATCH='"abc"'), 400, "MALFORMED_HEADER"),
    "a path that is not UTF-8": (sent(GOOD, PATH_INFO="/v1/orders/\xff\xfe"), 400, "MALFORMED_PATH"),
    "a NUL in the path": (sent(GOOD, PATH_INFO="/v1/orders/a\0b"), 400, "MALFORMED_PATH"),
    "a path out of the tree": (sent(GOOD, PATH_INFO="/v1/orders/../../etc/passwd"), 404, "NO_SUCH_ROUTE"),
    "two slashes": (sent(GOOD, PATH_INFO="//v1//orders"), 404, "NO_SUCH_ROUTE"),
    "an empty path": (sent(GOOD, PATH_INFO=""), 404, "NO_SUCH_ROUTE"),
    "an id of quotes": (sent(GOOD, PATH_INFO="/v1/orders/1' OR '1'='1:ship"), 404, "NO_SUCH_ROUTE"),
    "a path without end": (sent(GOOD, PATH_INFO="/v1/orders/" + "a" * 5000), 414, "URI_TOO_LONG"),
    "a query without end": (sent(GOOD, QUERY_STRING="a=" + "b" * 5000), 414, "URI_TOO_LONG"),
    "another method": (sent(GOOD, REQUEST_METHOD="DELETE"), 405, "METHOD_NOT_ALLOWED"),
    "no method of HTTP": (sent(GOOD, REQUEST_METHOD="BREW"), 405, "METHOD_NOT_ALLOWED"),
    "a parameter twice": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "phase=paid&phase=shipped", "CONTENT_LENGTH": ""},
        400,
        "MALFORMED_PATH",
    ),
    "a query that is not UTF-8": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "phase=%ff", "CONTENT_LENGTH": ""},
        400,
        "MALFORMED_PATH",
    ),
    "a NUL in the query": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "phase=%00", "CONTENT_LENGTH": ""},
        400,
        "MALFORMED_PATH",
    ),
    "a hundred parameters": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "&".join(f"a{n}=1" for n in range(100)), "CONTENT_LENGTH": ""},
        400,
        "MALFORMED_PATH",
    ),
    "an unknown parameter": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "fase=paid", "CONTENT_LENGTH": ""},
        422,
        "INVALID_INPUT",
    ),
    "a limit beyond the most": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "limit=201", "CONTENT_LENGTH": ""},
        422,
        "INVALID_INPUT",
    ),
    "a limit that is no number": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "limit=all", "CONTENT_LENGTH": ""},
        422,
        "INVALID_INPUT",
    ),
    "a cursor that is none": (
        {"REQUEST_METHOD": "GET", "QUERY_STRING": "cursor=AAAA", "CONTENT_LENGTH": ""},
        400,
        "BAD_CURSOR",
    ),
}


@pytest.mark.joined_only("it writes what a server reads; tests/edge/test_http.py sends the bytes")
@pytest.mark.capability("R33", "T35")
@pytest.mark.parametrize("name", CASES)
def test_a_malformed_request_is_told_what_is_wrong_and_changes_nothing(api_of, name):
    environ, status, code = CASES[name]
    api = api_of("order")
    base = EnvironBuilder(path="/v1/orders", method="POST").get_environ()
    base |= {"HTTP_AUTHORIZATION": f"Bearer {token(integrator())}", **environ}
    body, answered, headers = run_wsgi_app(api.gateway, base, buffered=True)
    text = b"".join(body)
    assert (answered[:3], code.encode() in text) == (str(status), True), text
    assert headers["Content-Type"] == "application/problem+json"
    for leak in (b"Traceback", b"Error:", b"Exception", b".py", b"sqlite", b"orjson", b"werkzeug"):
        assert leak not in text
    assert api.suite.event_count() == 0
    assert api.get("/v1/orders", integrator())["items"] == []


def test_a_chunked_body_is_read(api_of):
    api = api_of("order")
    base = EnvironBuilder(path="/v1/orders", method="POST").get_environ()
    base |= {"HTTP_AUTHORIZATION": f"Bearer {token(integrator())}", "CONTENT_TYPE": JSON}
    base |= chunked(orjson.dumps(order_args()))
    _, answered, _ = run_wsgi_app(api.gateway, base, buffered=True)
    assert answered[:3] == "201"


def test_a_405_says_what_may_be_done(api_of):
    api = api_of("order")
    order = api.post("/v1/orders", integrator(), order_args())
    response = api.call("GET", f"/v1/orders/{order['id']}:ship", integrator())
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_an_id_may_hold_a_colon(api_of):
    api = api_of("order")
    api.post("/v1/orders", integrator(), order_args(order_id="EU:2026:1"))
    assert api.get("/v1/orders/EU:2026:1", integrator())["id"] == "EU:2026:1"
    answer = api.post("/v1/orders/EU:2026:1:cancel", agent(), {"reason_code": "test"})
    assert answer["phase"] == "cancelled"


def test_an_unexpected_failure_is_an_incident_number_and_nothing_more(api_of, monkeypatch, caplog):
    api = api_of("order")

    def fail(*_: Any) -> None:
        raise RuntimeError("connect to postgres://order:S3cret@db/order failed")

    monkeypatch.setattr(api.gateway.clients, "call", fail)
    response = api.call("GET", "/v1/orders", agent())
    assert (response.status_code, response.json["code"]) == (500, "INTERNAL_ERROR")
    assert "S3cret" not in response.text
    assert response.json["details"]["incident"] in caplog.text


# fields that are none of the caller's (T09)

COLUMNS = [
    "id",
    "tenant",
    "version",
    "prev",
    "seq",
    "state",
    "phase",
    "amount_refunded",
    "captured",
    "captured_total",
    "open_claims",
    "claim_count",
    "settlement",
    "holds",
    "owner",
    "role",
    "principal",
    "actor",
    "is_admin",
    "handler",
    "hold",
    "profile_version",
    "reserved",
    "succeeded",
    "updated_at",
    "closed_at",
    "allowed_actions",
    "payments",
    "parcels",
    "customer_ref",
    "scopes",
    "__proto__",
    "$where",
]


@pytest.mark.capability("T09")
def test_no_write_takes_a_field_that_is_not_its_own(api):
    """Every write route with every column name, as the callers who may use it."""
    tried = 0
    for route in api.gateway.table.routes:
        if not route.writes or route.scope is None:
            continue
        path = route.path.replace("{", "").replace("}", "")
        known = {field.data_key or name for name, field in route.takes.fields.items()}
        body = {name: "x" for name in COLUMNS if name not in known}
        for who in (customer(), seller(), coordinator()):
            response = api.call(route.method, path, who, body=body, key=f"key-{tried}", if_match='"1"')
            assert response.status_code in (422, 403, 404), (route.id, who.role, response.text)
            if response.status_code == 422:
                fields = response.json["details"]["fields"]
                unknown = {name for name, said in fields.items() if "Unknown field." in said}
                assert unknown == set(body), (route.id, who.role)
            tried += 1
    assert tried > 100
    assert api.suite.event_count() == 0


def test_what_the_path_says_the_body_cannot_say_again(api_of):
    api = api_of("order")
    order = api.post("/v1/orders", integrator(), order_args())
    problem = api.refused(
        "POST", f"/v1/orders/{order['id']}:deliver", seller(), "INVALID_INPUT", body={"order_id": "ord_of_another"}
    )
    assert problem["details"]["fields"] == {"order_id": ["Unknown field."]}
