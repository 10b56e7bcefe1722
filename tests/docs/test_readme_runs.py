"""The README's blocks, run as a reader would: against a demo, and as a nameko service on a broker."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import amqp
import pytest
import requests

import shared.contracts.claim  # noqa: F401 - announces the event that is published here
from shared.edge.management import Management
from shared.edge.relay import Publisher
from shared.edge.topology_seen import connector
from shared.runtime.envelope import Envelope
from tests.demo.test_demo import Demo, free_port
from tests.docs.test_written import ROOT, blocks
from tests.servers import shared_by_the_run
from tests.servers.suite import SuiteBroker, suite_broker
from tests.suite import order_args

README = ROOT / "README.md"


@pytest.mark.timeout(180)
def test_the_readmes_calls_answer_on_a_demo(tmp_path):
    """As a reader's shell runs them, in the folder of the demo; only the port is this test's own."""
    start, calls = blocks(README, "sh")
    assert [line.split("#")[0].strip() for line in start.splitlines()] == ["make run", "make test"]
    demo = Demo(tmp_path / "data", free_port()).ready()
    try:
        script = calls.replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        desk, order = _documents(done.stdout)
        assert {claim["seller_id"] for claim in desk["items"]} == {"sel_atelier_lumiere"}
        assert (order["number"], order["claims"][0]["state"]) == ("M-1001", "resolved")
        history, whole = _how_to(demo, tmp_path)
        assert "claim.opened" in [item["type"] for item in history["items"]]
        assert "order: holds" in whole
        assert "case.zip: genuine" in whole
        (travel,) = blocks(ROOT / "docs" / "how-to" / "travel-in-time.md", "sh")
        travel = travel.replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", travel], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        arrived, shown = _documents(done.stdout)
        assert arrived["offset_seconds"] == shown["offset_seconds"] == 28 * 86_400
        link, links, _, invoice, invoices = _papers(demo, tmp_path)
        assert (link["state"], [each["id"] for each in links["items"]]) == ("issued", [link["id"]])
        assert [each["number"] for each in invoices["items"]] == [invoice["number"]]
    finally:
        demo.interrupt()


def _papers(demo: Demo, folder: Path) -> list[dict]:
    """The pages about payment links and invoices, on an order that was paid in part and one that was shipped."""
    url = f"http://127.0.0.1:{demo.port}"
    people = json.loads((folder / "data" / "demo.json").read_text())["people"]
    seller = {"Authorization": f"Bearer {people['seller']['token']}"}
    orders = requests.get(f"{url}/v1/orders?limit=200", headers=seller, timeout=10).json()["items"]
    shipped = next(each for each in orders if each["phase"] in ("shipped", "delivered"))
    part = order_args("H-1", seller_id=shipped["seller_id"], marketplace=shipped["marketplace"])
    placed = requests.post(f"{url}/v1/orders", json=part, headers=seller, timeout=10)
    assert placed.status_code == 201, placed.text
    answered = ""
    for page, order in (("issue-a-payment-link", placed.json()), ("invoice-an-order", shipped)):
        (script,) = blocks(ROOT / "docs" / "how-to" / f"{page}.md", "sh")
        known = {"URL": url, "ORDER": order["id"], "SELLER_ID": order["seller_id"]}
        known["SELLER"] = people["seller"]["token"]
        run = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(run, cwd=folder, env={**os.environ, **known}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answered += done.stdout
    return _documents(answered)


def _how_to(demo: Demo, folder: Path) -> tuple[dict, str]:
    """The page about a case's history, on the same demo: what its first block answers, and what the others print."""
    command = f'aftersale() {{ {shlex.quote(sys.executable)} -m services.cli "$@"; }}\n'
    script = command + "".join(blocks(ROOT / "docs" / "how-to" / "read-a-cases-history.md", "sh"))
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}")
    run = ["bash", "-euo", "pipefail", "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    history, end = json.JSONDecoder().raw_decode(done.stdout)
    return history, done.stdout[end:]


def _documents(text: str) -> list[dict]:
    """The JSON documents that stand one after the other in the output."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


@pytest.mark.servers
@pytest.mark.capability("U-11")
def test_the_readmes_nameko_service_hears_an_event_with_nothing_of_ours(tmp_path):
    (code,) = blocks(README, "python")
    script = tmp_path / "warehouse.py"
    script.write_text(code, encoding="utf-8")
    broker = suite_broker(shared_by_the_run(), "readme")
    environment = {**os.environ, "AMQP_URI": _as_warehouse(broker), "PYTHONWARNINGS": "ignore"}
    listener = subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        _wait_for_queue(broker.admin_uri, "evt-claim-claim.opened--warehouse.set_aside")
        publisher = Publisher(broker.uri("claim"), "readme test")
        publisher.publish([_claim_opened()])
        publisher.link.cut()
        assert listener.stdout is not None
        assert listener.stdout.readline() == "claim 1001-C1 reason damaged_items\n"
    finally:
        listener.kill()
        listener.wait()


def _as_warehouse(broker: SuiteBroker) -> str:
    """A broker user with exactly the permissions that the how-to page tells the operator to give."""
    page = (ROOT / "docs" / "how-to" / "subscribe-with-nameko.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if "set_permissions" in line]
    *_, name, configure, write, read = shlex.split(line)
    with closing(Management(*broker.management)) as api:
        api.put("users", name, body={"password": "secret", "tags": ""})
        api.put("permissions", broker.vhost, name, body={"configure": configure, "write": write, "read": read})
    return broker.servers.amqp_uri(name, "secret", broker.vhost)


def _wait_for_queue(uri: str, queue: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        connection = connector(uri)()
        try:
            connection.channel().queue_declare(queue, passive=True)
            return
        except amqp.exceptions.NotFound:
            assert time.monotonic() < deadline, f"{queue} was never made"
            time.sleep(0.1)
        finally:
            connection.collect()


def _claim_opened() -> Envelope:
    body = json.dumps({"claim_id": "clm_1", "number": "1001-C1", "reason_code": "damaged_items"}).encode()
    now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    return Envelope("evt_1", "claim.opened", "clm_1", 1, "shop", now, "customer/usr_1/api", "req_1", None, body)
