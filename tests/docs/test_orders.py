"""The how-to pages about orders, run as a reader would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from services.cli import main as aftersale
from services.gateway.app import build
from services.gateway.clients import DirectClients
from tests.docs.test_written import ROOT, blocks
from tests.gateway.conftest import SECRET, UNLIMITED, token
from tests.suite import Suite, integrator, order_args, payment_args, seller

PAGES = ROOT / "docs" / "how-to"


def run(script: str, folder: Path, **variables: str) -> str:
    """The page's block in bash; `aftersale` is this tree's."""
    command = f'aftersale() {{ "{sys.executable}" -m services.cli "$@"; }}\n'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command + script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(120)
def test_the_page_about_importing_places_the_good_order_and_explains_the_bad_one(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    assert aftersale(["migrate", "order"]) == 0
    (script,) = blocks(PAGES / "import-orders.md", "sh")
    said = run(script, tmp_path, DATA_DIR=str(tmp_path / "data"))
    assert "1 orders placed, 0 were there already, 1 bad" in said
    fault = json.loads(said.splitlines()[-1])
    assert (fault["line"], fault["number"], fault["code"]) == (2, "A-2", "TOTAL_DOES_NOT_ADD_UP")


@pytest.mark.timeout(120)
def test_the_page_about_bulk_ships_and_refuses_and_names_the_order_that_is_not_there(tmp_path):
    suite = Suite(tmp_path, ["order"], **{**UNLIMITED, "jwt_secret": SECRET})
    order = suite.do("order.place", integrator(), **order_args())
    suite.do("order.capture_payment", integrator(), **payment_args(order))
    server = make_server("127.0.0.1", 0, build(suite.settings, DirectClients(suite.joined)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (script,) = blocks(PAGES / "ship-and-refuse-in-bulk.md", "sh")
    lamp, rug = (line["line_id"] for line in order["lines"])
    names = {"ORDER": order["id"], "LAMP": lamp, "RUG": rug, "TOKEN": token(seller())}
    said = run(script, tmp_path, URL=f"http://127.0.0.1:{server.server_port}", **names)
    server.shutdown()
    done, unknown = json.loads(said)["results"]
    assert (done["result"], done["phase"], unknown["result"]) == ("DONE", "partially_shipped", "NOT_FOUND")
