"""How the gateway reaches the services: function calls in one process, HTTP between processes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from services.gateway.problems import ServiceBusy, ServiceUnavailable
from shared.edge.calls import MOST, CallClient, CallFailed
from shared.kernel.calls import Answer, Call
from shared.ops.settings import Settings

log = logging.getLogger(__name__)
PATIENCE = 5.0  # seconds for a single call: a command may wait for its turn in a batch, never longer than this
# Calls that one service may have under way: the gateway takes 256 requests, so two services that hold all of theirs
# leave 56 to the others (ADR 0012). As many as travel in one request to a service.
SHARE = MOST

OWNERS = {
    "order": "order",
    "marketplace": "order",
    "entitlement": "order",
    "lifecycle": "order",
    "invoice": "order",
    "identity": "order",
    "payment_request": "order",
    "claim": "claim",
    "claim_module": "claim",
    "claim_reason": "claim",
    "claim_count": "claim",
    "saved_view": "claim",
    "withdrawal": "claim",
    "offer": "claim",
    "oversight": "claim",
    "return": "claim",
    "customer": "order",
    "thread": "messaging",
    "message": "messaging",
    "draft": "messaging",
    "alias": "messaging",
    "sender": "messaging",
    "mail": "messaging",
    "disclosure": "messaging",
    "template": "messaging",
    "signature": "messaging",
    "access": "messaging",
    "attachment": "messaging",
    "refund": "refund",
    "credit_note": "refund",
    "coupon": "refund",
    "refund_policy": "refund",
    "reconciliation": "refund",
    "notification": "notification",
    "contact": "notification",
}


def owner_of(operation: str) -> str:
    """`message.post` → `messaging`. KeyError: nobody owns it."""
    return OWNERS[operation.split(".", 1)[0]]


class Clients(Protocol):
    """The port: what routes and pages ask the services through."""

    def call(self, service: str, call: Call) -> Answer:
        """One call. Raises ServiceUnavailable when no answer comes within PATIENCE, ServiceBusy beyond its share."""
        ...

    def gather(self, wanted: Mapping[str, tuple[str, Call]], deadline_seconds: float) -> dict[str, Answer | None]:
        """Several calls at once, all within the deadline; None for the one that did not answer (R32)."""
        ...


class DirectClients:
    """Services joined in this process. A part cannot hang alone here, so parts run one after the other."""

    def __init__(self, joined: Any) -> None:
        self.joined = joined

    def call(self, service: str, call: Call) -> Answer:
        if service not in self.joined.apps:
            raise ServiceUnavailable(service=service)
        return self.joined.call(service, call)

    def gather(self, wanted: Mapping[str, tuple[str, Call]], deadline_seconds: float) -> dict[str, Answer | None]:
        until = time.monotonic() + deadline_seconds
        found: dict[str, Answer | None] = {}
        for part, (service, call) in wanted.items():
            late = time.monotonic() > until
            found[part] = None if late or service not in self.joined.apps else self.joined.call(service, call)
        return found


class HttpClients:
    """Services in other processes: one batching client per service that the settings name."""

    def __init__(self, settings: Settings, connect: Callable[[str, str, str], Any] = CallClient) -> None:
        self.services = {
            service: connect(service, url, settings.call_secrets.get(service) or settings.call_secret)
            for service, url in settings.service_urls.items()
            if url
        }
        self._shares = {service: threading.BoundedSemaphore(SHARE) for service in self.services}

    def call(self, service: str, call: Call) -> Answer:
        answer = self._ask(service, call, PATIENCE)
        if answer is None:
            raise ServiceUnavailable(service=service)
        return answer

    def gather(self, wanted: Mapping[str, tuple[str, Call]], deadline_seconds: float) -> dict[str, Answer | None]:
        """Each part in a thread of its own; a thread that is late ends by its own timeout, nobody waits for it."""
        until = time.monotonic() + deadline_seconds
        found: dict[str, Answer | None] = dict.fromkeys(wanted)
        answered = threading.Semaphore(0)

        def ask(part: str, service: str, call: Call) -> None:
            try:
                with suppress(ServiceBusy):
                    found[part] = self._ask(service, call, deadline_seconds)
            finally:
                answered.release()

        for part, (service, call) in wanted.items():
            threading.Thread(target=ask, args=(part, service, call), name=f"part-{part}", daemon=True).start()
        for _ in wanted:
            if not answered.acquire(timeout=max(0.0, until - time.monotonic())):
                break
        return dict(found)  # a copy: what arrives later must not change the page that is being written

    def _ask(self, service: str, call: Call, timeout: float) -> Answer | None:
        client = self.services.get(service)
        if client is None:
            return None
        if not self._shares[service].acquire(blocking=False):
            raise ServiceBusy(service=service)
        call.deadline = time.time() + timeout
        try:
            return client.call(call, timeout)
        except CallFailed:
            log.warning("%s did not answer %s", service, call.name)
            return None
        finally:
            self._shares[service].release()
