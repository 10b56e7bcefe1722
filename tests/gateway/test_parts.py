"""Pages of several services while one of them is hung, dead, slow or refuses (R32)."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import orjson
import pytest

from services.gateway import clients as clients_module
from services.gateway import compose
from services.gateway.app import build
from services.gateway.clients import SHARE, HttpClients
from shared.edge.call_endpoint import CallEndpoint
from shared.edge.calls import CallClient, CallFailed
from shared.kernel.calls import Answer, Call
from tests.gateway.conftest import Api
from tests.gateway.test_journey import open_claim, shipped_order
from tests.patience import within
from tests.suite import agent, customer, integrator, order_args, supplier

SECRETS = dict.fromkeys(
    ("order", "claim", "messaging", "refund", "notification"), "a-secret-between-the-gateway-and-one-service"
)

ISSUE = {"reason_code": "damaged_items", "text": "Broken."}


pytestmark = pytest.mark.joined_only("its lines to the services hang and break on purpose")


class Line:
    """A line to a service of this process that can hang or be cut; the port of CallClient."""

    def __init__(self, apps: dict[str, Any], service: str, secret: str) -> None:
        self.app, self.secret = apps[service], secret
        self.hung = self.dead = False
        self.waiting = 0
        self.released = threading.Event()

    def call(self, call: Call, timeout: float) -> Answer:
        if self.dead:
            raise CallFailed("connection refused")
        if self.hung:
            self.waiting += 1
            self.released.wait(20)  # longer than anybody waits: it even ignores its timeout
        return self.app.execute([call])[0]


class Lines:
    """The gateway on lines to the joined services."""

    def __init__(self, api: Api) -> None:
        self.made: dict[str, Line] = {}
        settings = api.suite.settings
        object.__setattr__(settings, "service_urls", {name: f"http://{name}" for name in api.suite.apps})

        def connect(service: str, _url: str, secret: str) -> Line:
            self.made[service] = Line(api.suite.apps, service, secret)
            return self.made[service]

        self.api = Api(api.suite, build(settings, HttpClients(settings, connect)))

    def __getitem__(self, service: str) -> Line:
        return self.made[service]


@pytest.fixture
def lines(api, monkeypatch):
    monkeypatch.setattr(compose, "DEADLINE", 0.5)
    monkeypatch.setattr(clients_module, "PATIENCE", 0.5)
    found = Lines(api)
    yield found
    for line in found.made.values():
        line.released.set()


def seconds(work) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


@pytest.mark.capability("R32")
@pytest.mark.parametrize("way", ["hung", "dead"])
@pytest.mark.parametrize(("service", "part"), [("claim", "claims"), ("refund", "refund_envelope")])
def test_an_order_page_comes_in_time_without_the_part_that_does_not(lines, way, service, part):
    order = shipped_order(lines.api)
    setattr(lines[service], way, True)
    took, page = seconds(lambda: lines.api.get(f"/v1/orders/{order['id']}", customer()))
    assert took < within(1.0)
    assert page["warnings"] == [{"part": part, "code": "NO_ANSWER", "service": service}]
    assert page[part] is None
    assert page["phase"] == "shipped"
    if part == "claims":
        assert page["refund_envelope"]["available"] == 17490
    else:
        assert page["claims"] == []
    metrics = lines.api.call("GET", "/metrics").text
    assert f'aftersale_page_parts_missing_total{{part="{part}"}} 1.0' in metrics


@pytest.mark.capability("R32")
def test_a_claim_page_comes_without_its_conversation(lines):
    order = shipped_order(lines.api)
    claim = open_claim(lines.api, order)
    lines["messaging"].hung = True
    took, page = seconds(lambda: lines.api.get(f"/v1/claims/{claim['id']}", customer()))
    assert took < within(1.0)
    assert (page["state"], page["thread"], page["messages"], page["refunds"]) == ("submitted", None, None, [])
    assert [(each["part"], each["code"]) for each in page["warnings"]] == [
        ("thread", "NO_ANSWER"),
        ("messages", "NO_ANSWER"),
    ]
    took, listed = seconds(lambda: lines.api.get("/v1/claims?expand=messages", customer()))
    assert took < within(1.0)
    assert listed["items"][0]["messages"] is None
    assert listed["warnings"] == [{"part": "messages", "code": "NO_ANSWER", "service": "messaging"}]


@pytest.mark.parametrize("way", ["hung", "dead"])
def test_what_the_page_is_about_cannot_be_left_out(lines, way):
    order = shipped_order(lines.api)
    setattr(lines["order"], way, True)
    took, response = seconds(lambda: lines.api.call("GET", f"/v1/orders/{order['id']}", customer()))
    assert took < within(1.0)
    assert (response.status_code, response.json["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert response.json["details"] == {"service": "order"}
    assert response.headers["Retry-After"] == "2"
    assert lines.api.get("/v1/claims", customer())["items"] == []


def test_a_write_to_a_dead_service_is_told_so_and_can_be_repeated(lines):
    lines["claim"].dead = True
    order = shipped_order(lines.api)
    path = f"/v1/orders/{order['id']}/issues"
    lines.api.refused("POST", path, customer(), "SERVICE_UNAVAILABLE", body=ISSUE, key="claim-1")
    lines["claim"].dead = False
    lines.api.suite.settle()
    assert lines.api.post(path, customer(), ISSUE, key="claim-1")["state"] == "submitted"


@pytest.mark.parametrize(
    ("service", "path"), [("messaging", "/mail/renew/mail_1.secret"), ("order", "/reminders/shop/plan_1/secret")]
)
def test_a_page_with_one_button_says_that_it_is_not_possible_now_and_keeps_its_button(lines, service, path):
    lines[service].dead = True
    page = lines.api.http.post(path, headers={"Accept-Language": "fr"})
    assert page.status_code == 503
    assert "Essayez encore dans un moment" in page.text
    assert '<form method="post"><button>' in page.text
    lines[service].dead = False
    page = lines.api.http.post(path, headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "This link is" in page.text
    assert "<button>" not in page.text


def test_a_held_service_takes_its_own_share_and_the_others_go_on(lines):
    """ADR 0012: what waits for claims fills the share of claims; orders, refunds and pages answer as before."""
    order = shipped_order(lines.api)
    lines["claim"].hung = True
    waiting = [threading.Thread(target=lines.api.call, args=("GET", "/v1/claims", customer())) for _ in range(SHARE)]
    for each in waiting:
        each.start()
    until = time.monotonic() + 10
    while lines["claim"].waiting < SHARE and time.monotonic() < until:
        time.sleep(0.01)
    lines.api.refused("POST", f"/v1/orders/{order['id']}/issues", customer(), "SERVICE_BUSY", body=ISSUE)
    assert lines.api.get("/v1/orders", customer())["items"][0]["issues"] is None
    page = lines.api.get(f"/v1/orders/{order['id']}", customer())
    assert (page["phase"], page["warnings"][0]["part"]) == ("shipped", "claims")
    lines["claim"].hung = False
    lines["claim"].released.set()
    for each in waiting:
        each.join(10)
    assert lines.api.post(f"/v1/orders/{order['id']}/issues", customer(), ISSUE)["state"] == "submitted"


def test_a_part_that_the_caller_may_not_see_is_null_without_a_word(api):
    order = shipped_order(api)
    page = api.get(f"/v1/orders/{order['id']}", supplier())
    assert page["refund_envelope"] is None
    assert "refund_envelope" not in [warning["part"] for warning in page["warnings"] if warning["code"] == "FORBIDDEN"]


def test_readiness_is_the_gateways_own(lines):
    lines["order"].dead = True
    assert lines.api.call("GET", "/readyz").json == {"status": "ready"}
    lines.api.gateway.stopping = True
    stopping = lines.api.call("GET", "/readyz")
    assert (stopping.status_code, stopping.json) == (503, {"status": "stopping"})
    assert lines.api.call("GET", "/livez").status_code == 200


# over a real socket


@pytest.fixture
def silent():
    """A service that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.capability("R32")
def test_a_service_that_accepts_and_never_answers_delays_nobody(api, silent, monkeypatch):
    monkeypatch.setattr(compose, "DEADLINE", 0.5)
    order = shipped_order(api)
    settings = api.suite.settings
    object.__setattr__(settings, "service_urls", {**dict.fromkeys(api.suite.apps, "http://here"), "refund": silent})

    def connect(service: str, url: str, secret: str) -> Any:
        return CallClient(service, url, secret) if url == silent else Line(api.suite.apps, service, secret)

    object.__setattr__(settings, "call_secrets", SECRETS)
    there = Api(api.suite, build(settings, HttpClients(settings, connect)))
    path = f"/v1/orders/{order['id']}"
    times = []
    for _ in range(10):
        took, page = seconds(lambda: there.get(path, customer()))
        times.append(took)
        assert page["refund_envelope"] is None
        assert page["claims"] == []
    assert max(times) < within(1.0)


# the principal, again, in each service (T12)


@pytest.mark.capability("T12")
def test_a_forged_call_to_a_service_is_refused_there(api):
    """Who reaches the internal port without the gateway's secret, or with another service's, is nobody."""
    order = api.post("/v1/orders", integrator(), order_args())
    endpoint = CallEndpoint(api.suite.apps["order"], SECRETS["order"])
    real = CallClient("order", "http://order", SECRETS["order"])
    calls = [Call("order.get", {"order_id": order["id"]}, agent())]
    forgers = {
        "another secret": CallClient("order", "http://order", "guessed-secret-of-somebody-else"),
        "another service's token": CallClient("claim", "http://order", SECRETS["order"]),
    }
    assert _send(endpoint, real, calls)[0]["status"] == 200
    for name, forger in forgers.items():
        (answer,) = _send(endpoint, forger, calls)
        assert (answer["status"], answer["body"]["code"]) == (401, "UNAUTHENTICATED"), name
    without = _send(endpoint, real, calls, token="system")
    assert without[0]["status"] == 401


def _send(endpoint: CallEndpoint, client: CallClient, calls: list[Call], token: str | None = None) -> list[Any]:
    tokens: dict[str, int] = {}
    wire = [client._wire(call, tokens, 1.0) for call in calls]
    body = {"calls": wire, "tokens": [token] if token else list(tokens)}
    return orjson.loads(endpoint.answer(orjson.dumps(body)))["answers"]
