"""Calls between gateway and service: nobody is believed without a valid token, and nobody waits for ever."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import jwt
import pytest
import requests

from services.gateway.clients import SHARE
from shared.edge.calls import CallClient
from shared.edge.tokens import ISSUER, Signer
from shared.kernel.calls import Answer, Call
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from tests.runtime.backends import at_once
from tests.servers import Servers
from tests.stack import WITH_DATA, Stack
from tests.suite import agent, integrator, order_args

pytestmark = pytest.mark.servers
CALLERS = 20
HELD = 300
READ = {
    "order": "order.list",
    "claim": "claim.list",
    "messaging": "thread.list",
    "refund": "refund.list",
    "notification": "notification.list",
}


@pytest.fixture(scope="module")
def stack(servers: Servers) -> Iterator[Stack]:
    with Stack(servers, "calls", RATE_PER_MINUTE="0", RATE_PER_MINUTE_ADDRESS="0") as stack:
        yield stack


def batch(stack: Stack, tokens: list[Any], **headers: str) -> list[dict[str, Any]]:
    """One `order.list` per token, in one request to the service itself."""
    call = {"name": "order.list", "args": {"limit": 5}, "correlation": "test"}
    body = {"calls": [{**call, "token": number} for number in range(len(tokens))], "tokens": tokens}
    answer = requests.post(f"{stack.url('order')}/internal/calls", json=body, headers=headers, timeout=10)
    assert answer.status_code == 200
    return answer.json()["answers"]


def forged(stack: Stack) -> dict[str, Any]:
    """Tokens that must be worth nothing at the order service."""
    now, secret = int(time.time()), stack.secrets["order"]
    claims = {**agent().claims(), "iss": ISSUER, "aud": "order", "iat": now, "exp": now + 60}

    def token(key: str = secret, algorithm: str = "HS256", drop: str = "", **changes: Any) -> str:
        content = {name: value for name, value in {**claims, **changes}.items() if name != drop}
        return jwt.encode(content, key, algorithm=algorithm)

    return {
        "another secret": token("s" * 32),
        "of another service": Signer("claim", stack.secrets["claim"]).token(agent()),
        "for another service": token(aud="claim"),
        "expired": token(iat=now - 600, exp=now - 300),
        "for ever": token(drop="exp"),
        "another issuer": token(iss="somebody"),
        "unsigned": token("", "none"),
        "another algorithm": token(secret, "HS512"),
        "without a subject": token(drop="sub"),
        "without a role": token(drop="role"),
        "of the public interface": stack.token("platform_agent", "agt_1"),
        "changed": token()[:-4] + "AAAA",
        "no token": "",
        "a number": 5,
        "nothing": None,
    }


@pytest.mark.capability("T12")
def test_each_call_with_a_bad_token_is_refused_and_the_good_one_beside_it_answered(stack: Stack) -> None:
    bad = forged(stack)
    good = Signer("order", stack.secrets["order"]).token(agent())
    answers = batch(stack, [good, *bad.values(), good])
    statuses = dict(zip(["good", *bad, "good again"], [answer["status"] for answer in answers], strict=True))
    assert statuses == {"good": 200, **dict.fromkeys(bad, 401), "good again": 200}
    assert all(answer["body"]["code"] == "UNAUTHENTICATED" for answer in answers[1:-1])


@pytest.mark.capability("T12")
def test_headers_authorise_nothing(stack: Stack) -> None:
    good = Signer("order", stack.secrets["order"]).token(agent())
    claimed = {"X-Principal": "platform_agent", "X-Role": "platform_agent", "X-User-Id": "agt_1"}
    [answer] = batch(stack, ["forged"], Authorization=f"Bearer {good}", Cookie=f"token={good}", **claimed)
    assert answer["status"] == 401
    assert requests.get(f"{stack.url()}/v1/orders", headers=claimed, timeout=10).status_code == 401


@pytest.mark.capability("R37")
@pytest.mark.parametrize("service", WITH_DATA)
def test_many_callers_of_one_service_are_all_answered(stack: Stack, service: str) -> None:
    client = CallClient(service, stack.url(service), stack.secrets[service])
    call = {"name": READ[service], "args": {"limit": 5}}
    answers = at_once(CALLERS, lambda _: client.call(Call(**call, principal=agent()), 10))
    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [200] * CALLERS


@pytest.mark.capability("R37")
def test_many_commands_and_pages_at_once_are_all_answered(stack: Stack) -> None:
    """Writes and composed reads at the same time: 20 of each, with 20 workers per service."""
    client = CallClient("order", stack.url("order"), stack.secrets["order"])
    headers = {"Authorization": f"Bearer {stack.token('platform_agent', 'agt_1')}"}

    def ask(number: int) -> int:
        if number % 2:
            return requests.get(f"{stack.url()}/v1/orders", headers=headers, timeout=10).status_code
        who: Principal = integrator("sel_1")
        call = Call("order.place", order_args(number=new_id("n")), who, idempotency_key=new_id("key"))
        return client.call(call, 10).status

    began = time.monotonic()
    assert at_once(2 * CALLERS, ask) == [200] * (2 * CALLERS)
    print(f"{2 * CALLERS} callers answered in {time.monotonic() - began:.1f} s")


@pytest.mark.capability("R32")
def test_a_service_that_holds_its_callers_does_not_close_the_gateway_to_the_others(stack: Stack) -> None:
    """300 requests wait for a service that is stopped: more than the gateway takes in all (ADR 0012)."""
    headers = {"Authorization": f"Bearer {stack.token('platform_agent', 'agt_1')}"}

    def ask(path: str) -> int:
        return requests.get(f"{stack.url()}{path}", headers=headers, timeout=20).status_code

    held = stack.processes["claim"]
    held.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(HELD) as crowd:
            waiting = [crowd.submit(ask, "/v1/claims") for _ in range(HELD)]
            # the share is full as soon as the first is turned away
            assert next(as_completed(waiting)).result() == 503
            assert at_once(CALLERS, lambda _: ask("/v1/refunds")) == [200] * CALLERS
            held.send_signal(signal.SIGCONT)
            answered = Counter(each.result() for each in waiting)
    finally:
        held.send_signal(signal.SIGCONT)
    assert set(answered) == {200, 503}
    assert answered[200] <= SHARE
