"""Others subscribe with nothing of ours: a plain nameko service, a Node.js program, the CloudEvents SDK."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_binary_event

from shared.edge.calls import CallClient
from shared.kernel.calls import Call
from shared.kernel.clock import moment
from shared.kernel.ids import new_id
from tests.edge.conftest import Line
from tests.runtime.backends import until
from tests.stack import Stack
from tests.suite import integrator, order_args

pytestmark = pytest.mark.servers

NAMEKO = """
import eventlet; eventlet.monkey_patch()
import json, sys
from nameko.containers import ServiceContainer
from nameko.events import event_handler

class Neighbour:
    name = "neighbour"

    @event_handler("order", "order.placed")
    def heard(self, payload):
        print(json.dumps(payload), flush=True)

container = ServiceContainer(Neighbour, {"AMQP_URI": sys.argv[1]})
container.start()
ours = [name for name in sys.modules if name.split(".")[0] in ("shared", "services", "tests")]
print("ready" if not ours else ours, flush=True)
container.wait()
"""

NODE = """
const amqp = require("amqplib");
const { HTTP } = require("cloudevents");
(async () => {
  const connection = await amqp.connect(process.argv[2]);
  const channel = await connection.createChannel();
  await channel.assertQueue("node.inbox", { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.bindQueue("node.inbox", "order.events", "order.#");
  await channel.consume("node.inbox", (message) => {
    const { headers, contentType } = message.properties;
    const attributes = { ...headers, "content-type": contentType };
    const event = HTTP.toEvent({ headers: attributes, body: message.content.toString() });
    console.log(JSON.stringify(event));
    channel.ack(message);
  });
  console.log("ready");
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a program in an empty folder and returns when it says that it is ready."""
    running: list[subprocess.Popen] = []

    def start(*command: str) -> subprocess.Popen:
        log = (tmp_path / "errors.log").open("w")
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True)
        running.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "ready\n", first + (tmp_path / "errors.log").read_text()[-2000:]
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def place(stack: Stack) -> dict[str, Any]:
    """An order is placed; its view."""
    client = CallClient("order", stack.url("order"), stack.secrets["order"])
    call = Call("order.place", order_args(number=new_id("n")), integrator("sel_1"), idempotency_key=new_id("key"))
    answer = client.call(call, 10)
    assert answer.ok, answer.body
    return answer.body


def admin_uri(stack: Stack) -> str:
    return stack.servers.amqp_uri(vhost=stack.vhost)


def next_line(process: subprocess.Popen) -> dict[str, Any]:
    assert process.stdout is not None
    return orjson.loads(process.stdout.readline())


@pytest.mark.capability("U-11")
def test_a_plain_nameko_service_hears_the_events_it_names(order: Stack, run: Callable[..., subprocess.Popen]) -> None:
    neighbour = run(sys.executable, "-I", "-W", "ignore", "-c", NAMEKO, admin_uri(order))
    placed = place(order)
    heard = next_line(neighbour)
    assert (heard["order_id"], heard["number"], heard["total"]["amount"]) == (placed["id"], placed["number"], 17490)


@pytest.mark.capability("U-12")
def test_a_node_program_reads_the_same_event(
    order: Stack, run: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "amqplib", "cloudevents"]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    if done.returncode:
        pytest.skip(f"the npm packages amqplib and cloudevents cannot be had: {done.stderr[-200:]}")
    (tmp_path / "subscriber.js").write_text(NODE)
    subscriber = run("node", "subscriber.js", admin_uri(order))
    placed = place(order)
    event = next_line(subscriber)
    assert (event["type"], event["subject"], event["source"]) == ("order.placed", placed["id"], "/aftersale/order")
    assert (event["sequence"], event["tenant"], event["specversion"]) == ("1", "shop", "1.0")
    assert event["data"]["total"] == {"amount": 17490, "currency": "EUR"}


@pytest.mark.capability("U-12")
def test_the_python_sdk_reads_back_what_the_headers_say(order: Stack, line_to: Callable[..., Line]) -> None:
    line = line_to(order)
    line.channel.queue_declare("sdk.inbox", durable=True, auto_delete=False)
    line.channel.queue_bind("sdk.inbox", "order.events", "order.#")
    placed = place(order)
    until(lambda: line.depth("sdk.inbox") >= 1, "event")
    message = line.channel.basic_get("sdk.inbox", no_ack=True)
    headers = message.properties["application_headers"]
    event = from_binary_event(RabbitMQMessage(headers, message.properties["content_type"], message.body))
    attributes = dict(event.get_attributes())
    assert attributes.pop("datacontenttype") == "application/json"
    assert attributes.pop("time") == moment(headers["ce-time"])
    assert attributes == {
        name.removeprefix("ce-"): value for name, value in headers.items() if name not in ("ce-time",)
    }
    assert event.get_subject() == placed["id"]
    data = event.get_data()
    assert data == orjson.loads(message.body)
    assert isinstance(data, dict)
    assert data["number"] == placed["number"]
