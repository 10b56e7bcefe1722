"""What tests and the demo hold: a running simulator, in a thread (`start`) or as its own process (`spawn`)."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

START_LIMIT = 20  # seconds; a loaded build machine imports in three
STOP_LIMIT = 5  # seconds before a process that does not leave is killed


class Ports(NamedTuple):
    """The real ports."""

    provider: int
    smtp: int
    mail: int


class ControlRefused(Exception):
    """A control call was refused; `args` are the HTTP status and the sentence."""


class Simulator:
    """A running simulator. It speaks HTTP to it, so it works alike for a thread, a process and a container."""

    def __init__(self, host: str, ports: Ports, stop: Callable[[], None] = lambda: None):
        self.host = host
        self.ports = ports
        self.provider_url = f"http://{host}:{ports.provider}"  # Stripe's and PayPal's API base
        self.mail_url = f"http://{host}:{ports.mail}"
        self._stop = stop

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; returns once its ports are free."""
        self._stop()

    def payment(self, currency: str, amount: int, *, provider: str = "stripe", id: str | None = None,
                **more: object) -> dict:
        """Open a captured payment of `amount` minor units; `more`: charge, captured, method, metadata."""
        wish = {"provider": provider, "currency": currency, "amount": amount, **more}
        return self.control("POST", "payments", {**wish, "id": id} if id else wish)

    def ledger(self, **filters: str) -> list[dict]:
        """Payments with what was captured and refunded, and each refund; filters: provider, id."""
        return self.control("GET", f"ledger?{urlencode(filters)}")["payments"]

    def refunds(self, payment: str) -> list[dict]:
        """The refunds of one payment, oldest first."""
        return [refund for found in self.ledger(id=payment) for refund in found["refunds"]]

    def dispute(self, payment: str, *, provider: str = "stripe", amount: int | None = None, **more: object) -> dict:
        """The payer disputes a payment, all of it or `amount`; `more`: reason."""
        wish = {"provider": provider, "payment": payment, **more}
        return self.control("POST", "disputes", {**wish, "amount": amount} if amount else wish)

    def close_dispute(self, dispute: str, *, won: bool) -> dict:
        """Decide a dispute, for the seller (won) or for the payer."""
        return self.control("POST", f"disputes/{dispute}/close", {"won": won})

    def calls(self) -> list[dict]:
        """The last provider calls: method, path, key, outcome (status or "cut")."""
        return self.control("GET", "calls")["calls"]

    def pay(self, url: str, method: str = "") -> int:
        """Press the button of a provider's own page, as the payer does; the status it answers (303: paid, approved)."""
        request = urllib.request.Request(url, urlencode({"method": method}).encode(), method="POST")
        try:
            with _STAYING.open(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def faults(self, **switch: object) -> dict:
        """Turn a provider switch on: faults(slow=2, times=1), faults(cut="after"), faults(mode="pending")."""
        return self.control("POST", "faults", switch)

    def mail_faults(self, **switch: object) -> dict:
        """Turn a mail switch on: mail_faults(refuse=451, times=2), mail_faults(cut="before", to="a@b.example")."""
        return self._call("POST", f"{self.mail_url}/faults", switch)

    def clear_faults(self) -> None:
        """Turn every switch off."""
        self.control("DELETE", "faults")
        self._call("DELETE", f"{self.mail_url}/faults")

    def settle(self, refund: str | None = None, *, to: str = "succeeded", failure_reason: str | None = None) -> list:
        """Move one refund, or all that are pending, to succeeded or failed; returns them."""
        wish = {"as": to, **({"failure_reason": failure_reason} if failure_reason else {})}
        return self.control("POST", f"refunds/{refund}/settle" if refund else "settle", wish)["settled"]

    def webhook(self, url: str, *, provider: str = "stripe", **more: object) -> dict:
        """Register a webhook target; returns it with its id and secret. `more`: secret, events, id."""
        return self.control("POST", "webhooks", {"provider": provider, "url": url, **more})

    def mails(self, to: str = "", contains: str = "", after: int = 0, limit: int = 50) -> list[dict]:
        """Caught mails, newest first."""
        query = urlencode({"to": to, "contains": contains, "after": after, "limit": limit})
        return self._call("GET", f"{self.mail_url}/mails?{query}")["mails"]

    def clear_mails(self) -> None:
        """Forget the caught mails."""
        self._call("DELETE", f"{self.mail_url}/mails")

    def reset(self) -> None:
        """Empty the provider (payments, refunds, keys, targets, switches) and the mailbox."""
        self.control("POST", "reset")
        self.clear_mails()
        self.clear_faults()

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        """Any call under /_control; ControlRefused."""
        return self._call(method, f"{self.provider_url}/_control/{path}", body)

    def _call(self, method: str, url: str, body: dict | None = None) -> dict:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with _DIRECT.open(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ControlRefused(error.code, json.load(error)["error"]) from None


class _Stays(urllib.request.HTTPRedirectHandler):
    """Answers a redirect instead of following it to a shop that may not be there."""

    def redirect_request(self, *_: object) -> None:
        return None


# Never through a proxy from the environment: the simulator is on this machine or in this network.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_STAYING = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stays)


def start(host: str = "127.0.0.1", provider_port: int = 0, smtp_port: int = 0, mail_port: int = 0,
          data: str | Path | None = None) -> Simulator:
    """Run the simulator in a thread of this process. Not under eventlet: use `spawn` there."""
    if _is_green():
        raise RuntimeError("eventlet has patched this process and asyncio would not run in it: use spawn().")
    from services.simulator.process import Options, serve

    options = Options(host, provider_port, smtp_port, mail_port, Path(data) if data else None)
    started: Future = Future()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        await serve(options, lambda ports: started.set_result((ports, loop, stop)), stop)

    def body() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=body, name="simulator", daemon=True)
    thread.start()
    ports, loop, stop = started.result(START_LIMIT)

    def end() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
            thread.join(STOP_LIMIT)

    return Simulator(host, ports, end)


def spawn(host: str = "127.0.0.1", provider_port: int = 0, smtp_port: int = 0, mail_port: int = 0,
          data: str | Path | None = None) -> Simulator:
    """Run the simulator as its own process, for callers under eventlet; it ends with the caller, however that ends."""
    command = [sys.executable, "-m", "services.simulator", "--host", host, "--provider-port", str(provider_port),
               "--smtp-port", str(smtp_port), "--mail-port", str(mail_port), "--until-stdin-closes"]
    command += ["--data", str(data)] if data else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    source, sink = process.stdout, process.stdin
    line = source.readline()
    if not line:
        raise RuntimeError(f"The simulator did not start; it left with {process.wait(STOP_LIMIT)}.")
    told = json.loads(line)

    def end() -> None:
        sink.close()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        source.close()

    return Simulator(host, Ports(told["provider"], told["smtp"], told["mail"]), end)


def _is_green() -> bool:
    patcher = sys.modules.get("eventlet.patcher")
    return bool(patcher and patcher.is_monkey_patched("select"))
