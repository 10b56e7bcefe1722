"""What opens doors is in no log: not while all goes well, not when a server refuses it, not in a failure's text."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
import requests

from shared.ops.settings import Settings
from tests.servers import Servers
from tests.stack import ROOT, Stack
from tests.suite import order_args

pytestmark = pytest.mark.servers
GIVEN = {
    "STRIPE_API_KEY": "sk_test_neverinalog1",
    "STRIPE_WEBHOOK_SECRET": "whsec_neverinalog2",
    "PAYPAL_CLIENT_SECRET": "neverinalog3-of-paypal",
    "MAIL_HOOK_SECRET": "neverinalog4-of-the-mail-provider",
    "SMTP_URL": "smtp://postman:neverinalog5@127.0.0.1:9",
    "CASE_FILE_KEY": "c0ffee" * 10 + "beef",
}


@pytest.fixture(scope="module")
def stack(servers: Servers) -> Iterator[Stack]:
    with Stack(servers, "secrets", **GIVEN, LOG_LEVEL="DEBUG", MAIL="smtp") as stack:
        yield stack


def password(url: str) -> str:
    return urlsplit(url).password or ""


def secrets_of(stack: Stack) -> dict[str, str]:
    found = {name: value for name, value in GIVEN.items() if name != "SMTP_URL"}
    found |= {"SMTP": password(GIVEN["SMTP_URL"]), "JWT": stack.jwt_secret}
    found |= {f"calls of {name}": value for name, value in stack.secrets.items()}
    found |= {f"broker, {name}": value for name, value in stack.passwords.items()}
    return found | {f"database, {name}": password(url) for name, url in stack.databases.items()}


def leaks(stack: Stack, text: str, **more: str) -> set[str]:
    """Which secrets are in this text, as they are or as a URL writes them."""
    known = secrets_of(stack) | more
    return {name for name, value in known.items() if value in text or quote(value, safe="") in text}


def test_the_look_for_secrets_finds_them(stack: Stack) -> None:
    assert len(secrets_of(stack)) > 20
    assert all(secrets_of(stack).values())
    assert leaks(stack, f"connecting to {GIVEN['SMTP_URL']}") == {"SMTP"}


@pytest.mark.capability("T15")
def test_a_run_with_everything_logged_names_no_secret_and_no_caller_s_token(stack: Stack) -> None:
    token = stack.token("integrator", "shop")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    placed = requests.post(f"{stack.url()}/v1/orders", json=order_args(), headers=headers, timeout=10)
    assert placed.status_code == 201
    forged = requests.get(f"{stack.url()}/v1/orders", headers={"Authorization": f"Bearer {token}x"}, timeout=10)
    assert forged.status_code == 401
    paid = requests.post(f"{stack.url()}/hooks/payments/stripe", data=b"{}", timeout=10)
    assert paid.status_code >= 400
    for service in stack.services:
        stack.terminate(service)
        log = stack.log(service)
        assert "ready" in log, service
        assert leaks(stack, log, token=token.rpartition(".")[2]) == set(), service
    stack.start()


@pytest.mark.capability("T15")
@pytest.mark.parametrize(
    ("command", "changes"),
    [
        (("migrate", "order"), {"DATABASE_URL": "postgresql://order:{wrong}@127.0.0.1:{database}/order"}),
        (("topology", "check"), {"RABBIT_MANAGEMENT_URL": "{management}", "RABBIT_ADMIN_PASSWORD": "{wrong}"}),
        (("run", "order"), {"DATABASE_URL": "mysql://order:{wrong}@127.0.0.1/order"}),
    ],
)
def test_who_is_refused_does_not_say_with_what(stack: Stack, command: tuple[str, ...], changes: dict[str, str]) -> None:
    wrong = "wrong-neverinalog6"
    places = {"database": urlsplit(stack.databases["order"]).port, "management": stack.servers.management}
    told = {name: value.format(wrong=wrong, **places) for name, value in changes.items()}
    environment = {**os.environ, **stack.environment("order"), **told}
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said
    assert leaks(stack, said, wrong=wrong) == set(), said


@pytest.mark.capability("T15")
def test_settings_hide_what_is_secret_when_they_are_shown(
    stack: Stack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**stack.environment("gateway"), **stack.environment("order")}.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r", settings, settings)
    assert leaks(stack, caplog.text) == set()
