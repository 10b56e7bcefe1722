"""The how-to page about travelling in time, run as a reader would."""

from __future__ import annotations

import json
import threading

import pytest
from werkzeug.serving import make_server

from services.gateway.app import build
from services.gateway.clients import DirectClients
from shared.kernel.clock import moment
from tests.docs.test_orders import PAGES, run
from tests.docs.test_written import blocks
from tests.gateway.conftest import token
from tests.gateway.test_clock import Travelling
from tests.suite import agent


@pytest.mark.capability("N5")
@pytest.mark.timeout(120)
def test_the_page_about_travelling_moves_every_service_by_four_weeks(tmp_path):
    suite = Travelling(tmp_path)
    suite.joined.start()
    server = make_server("127.0.0.1", 0, build(suite.settings, DirectClients(suite.joined)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "data").mkdir()
    people = {"people": {"platform_agent": {"token": token(agent())}}}
    (tmp_path / "data" / "demo.json").write_text(json.dumps(people), encoding="utf-8")
    before = suite.apps["order"].clock.now()
    (script,) = blocks(PAGES / "travel-in-time.md", "sh")
    try:
        said = run(script.replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}"), tmp_path)
    finally:
        server.shutdown()
        suite.joined.stop()
    arrived, shown = (json.loads(part) for part in said.replace("}{", "}\n{").splitlines() if part.strip())
    assert arrived["settled"] is True
    assert 28 * 86_400 <= (moment(shown["now"]) - before).total_seconds() < 28 * 86_400 + 300
