"""The servers of a run come by themselves, survive a kill with what they had, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import kombu
import pytest

from tests import servers as under_test
from tests.servers import GIVEN, ROOT, ServerError, local, obtain
from tests.servers.processes import wait_until


@pytest.fixture
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*GIVEN, "TEST_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_servers_given_by_halves_are_refused_with_the_missing_variables(nothing_given: pytest.MonkeyPatch) -> None:
    nothing_given.setenv("TEST_AMQP_URI", "amqp://localhost")
    with pytest.raises(ServerError, match="TEST_RABBIT_MGMT, TEST_DATABASE_URL not set"):
        obtain()


def test_an_unknown_way_is_refused_with_the_known_ones(nothing_given: pytest.MonkeyPatch) -> None:
    nothing_given.setenv("TEST_SERVERS", "cloud")
    with pytest.raises(ServerError, match="take env, containers or local"):
        obtain()


@pytest.mark.capability("U-02")
def test_what_cannot_be_obtained_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local, "RABBIT_SCRIPT", tmp_path / "rabbitmq-server")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServerError, match="rabbitmq-server not installed: install rabbitmq-server and postgresql, or"):
        local.install_missing()


def test_a_run_that_needed_no_server_says_nothing(nothing_given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing_given.setattr(under_test, "_run_state", lambda: (tmp_path / "none.json", os.getpid()))
    assert under_test.describe_run() is None


@pytest.mark.servers
def test_a_killed_broker_comes_back_with_its_messages_and_all_ends_with_the_owner(
    nothing_given: pytest.MonkeyPatch,
) -> None:
    nothing_given.setenv("TEST_SERVERS", "local")
    nothing_given.setenv("PYTHONPATH", str(ROOT))
    owner = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    servers = obtain(owner.pid)
    assert "RabbitMQ" in servers.describe()
    assert "PostgreSQL" in servers.describe()
    with kombu.Connection(servers.amqp_uri(), transport_options={"confirm_publish": True}) as connection:
        queue = connection.SimpleQueue("kept", queue_opts={"durable": True})
        queue.put("before", delivery_mode=2)
    servers.kill_broker()
    with pytest.raises(OSError, match="refused"):
        kombu.Connection(servers.amqp_uri(), connect_timeout=2).connect()
    servers.start_broker()
    with kombu.Connection(servers.amqp_uri()) as connection:
        assert connection.SimpleQueue("kept", queue_opts={"durable": True}).get(timeout=10).payload == "before"
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    wait_until(lambda: not Path(servers._control).exists(), "the end of the servers", 20)
    with pytest.raises(OSError, match="refused"):
        kombu.Connection(servers.amqp_uri(), connect_timeout=2).connect()
