"""The gateway on the joined services, and clients who hold tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jwt
import orjson
import pytest
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import Client, TestResponse

from services.gateway.app import Gateway
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from tests.suite import Suite

SECRET = "a-secret-of-the-tests-that-is-long-enough"
UNLIMITED = {"rate_per_minute": 0, "rate_per_minute_address": 0, "rate_per_minute_tenant": 0}
AUDIENCE, ISSUER = "aftersale-api", "aftersale"


def token(principal: Principal, **changes: Any) -> str:
    now = int(time.time())
    claims = {**principal.claims(), "iss": ISSUER, "aud": AUDIENCE, "nbf": now - 5, "exp": now + 600, **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, SECRET, algorithm="HS256")


class Api:
    """The API as a client sees it; every answer is held against the API's own document."""

    def __init__(self, suite: Suite, gateway: Gateway) -> None:
        self.suite, self.gateway = suite, gateway
        self.http = Client(gateway)
        self.document = orjson.loads(gateway.document)

    def call(self, method: str, path: str, who: Principal | None = None, **kwargs: Any) -> TestResponse:
        """body: sent as JSON. key, if_match: the headers of these names."""
        headers = dict(kwargs.pop("headers", {}))
        for name, header in (("key", "Idempotency-Key"), ("if_match", "If-Match"), ("if_none_match", "If-None-Match")):
            if (given := kwargs.pop(name, None)) is not None:
                headers[header] = given
        if who is not None:
            headers["Authorization"] = f"Bearer {token(who)}"
        if "body" in kwargs:
            kwargs["data"] = orjson.dumps(kwargs.pop("body"))
            kwargs.setdefault("content_type", "application/json")
        response = self.http.open(path, method=method, headers=headers, **kwargs)
        self._conforms(method, response)
        return response

    def get(self, path: str, who: Principal, **kwargs: Any) -> Any:
        response = self.call("GET", path, who, **kwargs)
        assert response.status_code == 200, response.text
        return response.json

    def post(self, path: str, who: Principal, body: Any = None, status: int | None = None, **kwargs: Any) -> Any:
        """A write that must succeed; money commands get a fresh key unless one is given."""
        kwargs.setdefault("key", new_id("key"))
        response = self.call(kwargs.pop("method", "POST"), path, who, body={} if body is None else body, **kwargs)
        assert response.status_code in ((status,) if status else (200, 201)), response.text
        return response.json

    def refused(self, method: str, path: str, who: Principal | None, code: str, **kwargs: Any) -> dict[str, Any]:
        """The call is refused with this code, and nothing was announced."""
        before = self.suite.event_count()
        kwargs.setdefault("key", new_id("key"))
        response = self.call(method, path, who, **kwargs)
        assert response.json["code"] == code, response.text
        assert self.suite.event_count() == before, "a refused request announced something"
        return response.json

    def _conforms(self, method: str, response: TestResponse) -> None:
        assert b"Traceback" not in response.data
        assert response.headers["X-Request-Id"]
        if response.request.path.startswith("/pay/"):
            assert response.content_type in ("text/html; charset=utf-8", "application/problem+json")
        elif response.status_code >= 400 and response.request.path != "/readyz":
            assert response.content_type == "application/problem+json"
            assert response.json["request_id"] == response.headers["X-Request-Id"]
        found = self.described(method, response.request.path)
        if found is None:
            return
        answers = found["responses"]
        status = str(response.status_code)
        assert status in answers, (
            f"{method} {response.request.path} answered {status}, which its document does not know"
        )
        shown = answers[status]
        if "$ref" in shown:
            shown = self.document["components"]["responses"][shown["$ref"].rsplit("/", 1)[-1]]
        schema = shown.get("content", {}).get(response.content_type, {}).get("schema")
        if schema and response.is_json and response.data and method != "HEAD":
            validate(self.gateway.document, schema, response.json)

    def described(self, method: str, path: str) -> dict[str, Any] | None:
        """The document's operation for this path."""
        try:
            compiled, _ = self.gateway.table.match({"PATH_INFO": path, "REQUEST_METHOD": method})
        except Exception:
            return None
        return self.document["paths"][compiled.route.path].get(method.lower())


def validate(document: bytes, schema: dict[str, Any], instance: Any) -> None:
    found = _validator(document, orjson.dumps(schema)).iter_errors(instance)
    wrong = [f"{list(error.absolute_path)}: {error.message}" for error in found]
    assert not wrong, wrong[:5]


@lru_cache(maxsize=400)
def _validator(document: bytes, schema: bytes) -> OAS31Validator:
    """Made once per schema: what its references lead to is looked up once, too."""
    absolute = orjson.loads(schema.replace(b'"#/', b'"urn:api#/'))
    return OAS31Validator(absolute, registry=_registry(document))


@lru_cache(maxsize=4)
def _registry(document: bytes) -> Registry:
    contents = orjson.loads(document)
    return Registry().with_resource("urn:api", Resource(contents=contents, specification=DRAFT202012))


@pytest.fixture
def api_of(suite_of: Callable[..., Suite]) -> Callable[..., Api]:
    """The gateway on the named services (all without a name), with these settings."""

    def make(*names: str, **settings: Any) -> Api:
        suite = suite_of(*names, **{**UNLIMITED, "jwt_secret": SECRET, **settings})
        return Api(suite, suite.gateway())

    return make


@pytest.fixture
def api(api_of: Callable[..., Api]) -> Api:
    return api_of()
