"""The simulator as its own process: how it starts, ends and remembers."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from services.simulator import spawn, start
from services.simulator.handle import ControlRefused
from tests.patience import within
from tests.simulator.conftest import connect, eventually

COMMAND = [sys.executable, "-m", "services.simulator", "--provider-port", "0", "--smtp-port", "0", "--mail-port", "0"]


def test_one_line_of_json_tells_the_ports_and_sigterm_ends_it_within_a_second():
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        told = json.loads(process.stdout.readline())
        idle = socket.create_connection(("127.0.0.1", told["provider"]))
        talking = socket.create_connection(("127.0.0.1", told["smtp"]))
        assert talking.recv(3) == b"220"

        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        took = time.monotonic() - asked
        rest = process.stdout.read() + process.stderr.read()
        idle.close()
        talking.close()

    assert took < within(1)
    assert rest == b""


def test_a_data_folder_keeps_money_keys_and_pending_refunds_over_a_kill(tmp_path):
    command = [*COMMAND, "--data", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        first = _world(process)
        first.payment("eur", 5000, id="pi_kept")
        first.faults(mode="pending", settle_after=0.4)
        made = connect(first).v1.refunds.create({"payment_intent": "pi_kept", "amount": 700},
                                                {"idempotency_key": "rf_1"})
        process.kill()

    with spawn(data=tmp_path) as second:
        again = connect(second).v1.refunds.create({"payment_intent": "pi_kept", "amount": 700},
                                                  {"idempotency_key": "rf_1"})
        assert again.id == made.id
        eventually(lambda: [r["status"] for r in second.refunds("pi_kept")] == ["succeeded"])


def _world(process):
    from services.simulator import Ports, Simulator

    told = json.loads(process.stdout.readline())
    return Simulator(told["host"], Ports(told["provider"], told["smtp"], told["mail"]))


def test_a_spawned_simulator_ends_when_it_is_stopped():
    world = spawn()
    assert world.control("GET", "health") == {"status": "ok"}

    world.stop()

    with pytest.raises(OSError, match="refused"):
        world.control("GET", "health")


def test_a_port_that_is_taken_is_told_in_a_sentence(running):
    process = subprocess.run([*COMMAND[:3], "--provider-port", str(running.ports.provider)], capture_output=True,
                             text=True, timeout=20)

    assert process.returncode == 1
    assert process.stderr.startswith("The simulator cannot start:")
    with pytest.raises(OSError, match="in use"):
        start(provider_port=running.ports.provider)


def test_it_refuses_to_run_inside_a_process_that_eventlet_has_patched():
    code = ("import eventlet; eventlet.monkey_patch()\nfrom services.simulator import start, spawn\n"
            "try:\n    start()\nexcept RuntimeError as error:\n    assert 'spawn' in str(error)\n"
            "with spawn() as world:\n    world.payment('eur', 100, id='pi_1')\n    print(len(world.ledger()))\n")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "EVENTLET_NO_GREENDNS": "yes"})

    assert done.stdout.strip() == "1", done.stderr


@pytest.mark.parametrize(("method", "path", "body", "status"), [
    ("POST", "payments", {"currency": "euro", "amount": 1}, 400),
    ("POST", "payments", {"currency": "eur", "amount": 1.5}, 400),
    ("POST", "payments", {"currency": "eur", "amount": 2**63}, 400),
    ("POST", "payments", {"currency": "eur", "amount": 100, "id": "pi_twice"}, 409),
    ("POST", "refunds", {"payment": "pi_nobody"}, 409),
    ("POST", "refunds", {"payment": "pi_twice", "amount": 101}, 409),
    ("POST", "faults", {"slow": "long"}, 400),
    ("POST", "webhooks", {"url": "ftp://x"}, 400),
    ("DELETE", "faults/one", None, 400),
    ("GET", "nothing", None, 404),
])
def test_a_control_call_that_cannot_be_followed_says_why(world, method, path, body, status):
    world.payment("eur", 100, id="pi_twice")

    with pytest.raises(ControlRefused) as refused:
        world.control(method, path, body)

    assert refused.value.args[0] == status
    assert world.ledger(id="pi_twice")[0]["refunded"] == 0


def test_requests_that_are_too_long_or_make_no_sense_are_refused_and_the_server_lives_on(world):
    for head, status in ((b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nx: " + b"y" * 70000, b"431"),
                         (b"POST /v1/refunds HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
                         (b"POST /v1/refunds HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
                         (b"POST /v1/refunds HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411")):
        with socket.create_connection((world.host, world.ports.provider), timeout=10) as line:
            line.sendall(head)
            assert line.recv(65536).split(b" ")[1] == status
    line = http.client.HTTPConnection(world.host, world.ports.provider, timeout=10)
    for _ in range(2):
        line.request("GET", "/_control/health")
        assert json.load(line.getresponse()) == {"status": "ok"}
    line.close()
