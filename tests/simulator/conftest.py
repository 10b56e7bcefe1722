"""One simulator for the whole folder, emptied before every test; real SDKs and a real web hook receiver around it."""

import http.server
import threading
import time

import pytest
import stripe

from services.simulator import start

DEADLINE = 10  # seconds; everything here takes milliseconds on an idle machine


def eventually(condition, what: str = "the condition"):
    """The first true value of `condition()`, asked again and again until the deadline."""
    end = time.monotonic() + DEADLINE
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true in {DEADLINE} s"
        pause.wait(0.005)


@pytest.fixture(scope="session")
def running():
    with start() as simulator:
        yield simulator


@pytest.fixture
def world(running):
    running.reset()
    return running


@pytest.fixture
def client(world):
    """The real Stripe SDK, which must not repeat calls by itself here: the tests decide what is repeated."""
    return connect(world)


def connect(world, key: str = "sk_test_simulated", retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": world.provider_url}, max_network_retries=retries)


@pytest.fixture
def payment(client) -> str:
    """A captured payment of 50.00 EUR made through Stripe's own API."""
    return client.v1.payment_intents.create(
        {"amount": 5000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}).id


class Receiver(http.server.ThreadingHTTPServer):
    """A web hook endpoint that keeps what it got and answers with `statuses` in turn, then 200."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Hook)
        self.got: list[tuple[dict, bytes]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks"


class _Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
