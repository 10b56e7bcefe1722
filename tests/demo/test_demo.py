"""`aftersale demo` as a newcomer meets it: a real process on a fresh folder, its signals and its restarts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.api import Api, over_http
from services.demo.folder import read_notes
from services.demo.waiting import Patience
from services.demo.walk import log_ins, simulator_at
from tests.patience import within

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90  # a crowded build machine; alone it takes a few


class Demo:
    """One demo process on this folder and port."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        environment = {**os.environ, "DATA_DIR": str(folder), "PORT": str(port), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "services.cli", "demo"]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder.parent
        )
        self.said = ""

    def ready(self) -> Demo:
        """Wait until it has said the last line of its welcome."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops everything" in line:
                return self
        raise AssertionError(f"the demo ended: {self.said}")

    def interrupt(self) -> tuple[int, float]:
        """Ctrl-C: the exit code, and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30), time.monotonic() - started

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def api(self) -> Api:
        notes = read_notes(self.folder)
        return Api(over_http(notes["url"]), log_ins(notes["people"]))

    @property
    def outside(self):
        notes = read_notes(self.folder)
        return simulator_at(notes["provider_url"], notes["mail_url"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def demos(tmp_path: Path) -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.kill()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo data, made by a first start; to be copied, not used."""
    folder = tmp_path_factory.mktemp("loaded") / "data"
    demo = Demo(folder, free_port()).ready()
    demo.interrupt()
    return folder


def start(demos: list[Demo], folder: Path, port: int) -> Demo:
    demos.append(Demo(folder, port))
    return demos[-1]


def events(folder: Path) -> dict[str, str]:
    """The content of each service's event log, as a digest."""
    import sqlite3

    found = {}
    for path in sorted(folder.glob("*.db")):
        with sqlite3.connect(path) as database:
            rows = database.execute("select event_id, type, seq from event_log order by event_id").fetchall()
        found[path.stem] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


@pytest.mark.capability("U-01")
@pytest.mark.timeout(240)
def test_a_newcomer_starts_stops_and_starts_again(demos, tmp_path):
    folder = tmp_path / "data"
    first = start(demos, folder, free_port()).ready()
    assert max(map(len, first.said.splitlines())) <= 100
    assert f"http://127.0.0.1:{first.port}/docs" in first.said
    tokens = re.findall(r"^  (\w+) +(aftersale_sk_\w+)", first.said, re.MULTILINE)
    roles = ["customer", "seller", "supplier", "coordinator", "platform_agent", "integrator"]
    assert [role for role, _ in tokens] == roles
    states = {claim["state"] for claim in first.api.get("platform_agent", "/v1/claims")["items"]}
    assert {"submitted", "platform_review", "solution_proposed", "resolved", "refused"} <= states
    languages = {mail["subject"].split()[0] for mail in first.outside.mails(limit=200)}
    assert {"Your", "Votre"} <= languages
    code, seconds = first.interrupt()
    assert code == 0
    assert seconds < within(2)
    before = events(folder)

    second = start(demos, folder, first.port).ready()
    assert re.findall(r"^  (\w+) +(aftersale_sk_\w+)", second.said, re.MULTILINE) == tokens
    assert events(folder) == before
    told = second.api.get("platform_agent", "/v1/notifications?limit=200")["items"]
    assert len(second.outside.mails(limit=200)) == len(told)


@pytest.mark.timeout(240)
def test_a_refund_under_way_is_paid_once_when_the_demo_is_killed_and_started_again(demos, tmp_path, loaded):
    folder = Path(shutil.copytree(loaded, tmp_path / "data"))
    demo = start(demos, folder, free_port()).ready()
    claims = demo.api.get("seller", "/v1/claims?state=submitted")["items"]
    demo.outside.faults(slow=30)
    order_id = claims[0]["order_id"]
    wish = {"order_id": order_id, "kind": "commercial_gesture", "reason_code": "goodwill"}
    wish["amount"] = {"amount": 300, "currency": "EUR"}
    refund = demo.api.post("seller", "/v1/refunds", wish, key="killed-1")
    patience = Patience(START_SECONDS, lambda: time.sleep(0.05))
    path = f"/v1/refunds/{refund['id']}"
    patience.until("it is under way", lambda: demo.api.get("seller", path), lambda one: one["state"] == "processing")
    demo.kill()

    again = start(demos, folder, demo.port).ready()
    patience.until("it is paid", lambda: again.api.get("seller", path), lambda one: one["state"] == "succeeded")
    number = order_id.removeprefix("ord_")
    assert [each["amount"] for each in again.outside.refunds(f"pi_{number}")] == [300]


def test_a_taken_port_is_told_with_the_remedy(demos, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        demo = start(demos, tmp_path / "data", port)
        said, _ = demo.process.communicate(timeout=START_SECONDS)
    assert demo.process.returncode == 1
    assert f"Port {port} is taken by another program" in said
    assert f"PORT={port + 1}" in said


@pytest.mark.timeout(180)
def test_two_demos_do_not_share_a_folder(demos, tmp_path, loaded):
    shutil.copytree(loaded, tmp_path / "data")
    first = start(demos, tmp_path / "data", free_port()).ready()
    second = start(demos, tmp_path / "data", free_port())
    said, _ = second.process.communicate(timeout=START_SECONDS)
    assert second.process.returncode == 1
    assert f"runs already from {tmp_path / 'data'}, at http://127.0.0.1:{first.port}" in said


@pytest.mark.timeout(240)
def test_a_start_that_was_killed_while_loading_begins_anew(demos, tmp_path):
    folder = tmp_path / "data"
    demo = start(demos, folder, free_port())
    Patience(START_SECONDS, lambda: time.sleep(0.02)).until(
        "half an order", lambda: folder.exists() and events_or_none(folder), bool
    )
    demo.kill()
    again = start(demos, folder, demo.port).ready()
    assert len(again.api.get("platform_agent", "/v1/orders")["items"]) == 11


def events_or_none(folder: Path) -> bool:
    """Has loading begun?"""
    import sqlite3

    try:
        with sqlite3.connect(folder / "order.db") as database:
            return database.execute("select count(*) from event_log").fetchone()[0] > 0
    except sqlite3.OperationalError:
        return False
