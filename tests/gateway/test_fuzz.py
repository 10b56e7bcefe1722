"""Schemathesis against the document: whatever it makes up, no answer is an error of ours or unlike its document."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks

from tests.gateway.conftest import token
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import coordinator

load_all_checks()
EXAMPLES = 3  # per operation and mode: a smoke run that fits every build
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.capability("U-17")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_made_up_request_gets_an_answer_that_the_document_does_not_know(api, mode):
    open_claim(api, shipped_order(api))
    schema = schemathesis.openapi.from_wsgi("/openapi.json", api.gateway)
    headers = {"Authorization": f"Bearer {token(coordinator())}"}
    checks = schemathesis.checks.CHECKS.get_by_names(NAMES)
    statuses: dict[str, set[int]] = {}

    def probe(case):
        response = case.call_and_validate(headers=headers, checks=checks)
        statuses.setdefault(case.operation.label, set()).add(response.status_code)

    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            BOUNDED(given(operation.as_strategy(generation_mode=mode))(probe))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing in it that could be wrong
    assert len(statuses) >= len(api.gateway.table.routes) - 7
