"""Killing: the suite's processes and its broker, and when each was away."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

import requests

from bench.chaos.report import say
from tests.stack import Stack

BROKER_AWAY = 3.0  # seconds until a killed broker is started again; it needs about five more until its port opens
READY_WITHIN = 60.0


class Havoc:
    """kill -9, and start again at once. Its methods block: they are called in threads."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.kills: Counter[str] = Counter()
        self.broker_kills = 0
        self.stopping = threading.Event()
        self.trouble: list[str] = []
        self._life: Counter[str] = Counter()
        self._away: dict[str, list[list[float]]] = {}
        self._watchers: list[threading.Thread] = []

    def stop(self) -> None:
        """Kill no more."""
        self.stopping.set()
        for watcher in self._watchers:
            watcher.join(READY_WITHIN)

    # processes

    def processes(self, order: Iterable[str], dice: random.Random, pause: tuple[float, float]) -> None:
        """Kill these one after the other, ready again or not."""
        for service in order:
            if self.stopping.wait(dice.uniform(*pause)):
                return
            self.kill(service)

    def kill(self, service: str) -> None:
        """kill -9 this service and start it again; who asks whether it was away is told until it is ready."""
        self._life[service] += 1
        self.kills[service] += 1
        self._goes(service)
        self.stack.kill(service)
        self.stack.start(service, wait=False)
        say(f"killed {service} ({sum(self.kills.values())})")
        watcher = threading.Thread(target=self._await, args=(service, self._life[service]), daemon=True)
        watcher.start()
        self._watchers.append(watcher)

    def ready(self, services: Sequence[str]) -> None:
        """Wait until all of these are ready; RuntimeError when one is not within a minute."""
        for service in services:
            self.stack.wait_ready(service, READY_WITHIN)

    def was_away(self, services: Iterable[str], began: float, ended: float) -> bool:
        """Was one of these not ready at some moment of this span (monotonic)?"""
        spans = (span for service in services for span in self._away.get(service, ()))
        return any(since <= ended and until >= began for since, until in spans)

    def _goes(self, service: str) -> None:
        spans = self._away.setdefault(service, [])
        if not spans or spans[-1][1] != float("inf"):
            spans.append([time.monotonic(), float("inf")])

    def _await(self, service: str, life: int) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while self._life[service] == life and not self.stopping.is_set():
            if self._answers_ready(service):
                if self._life[service] == life:
                    self._away[service][-1][1] = time.monotonic()
                return
            if time.monotonic() > deadline:
                self.trouble.append(f"{service} did not come back")
                return
            time.sleep(0.05)

    def _answers_ready(self, service: str) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.stack.url(service)}/readyz", timeout=2).ok
        return False

    # the broker

    def kill_broker(self) -> None:
        self.broker_kills += 1
        self._goes("broker")
        self.stack.servers.kill_broker()
        say("killed the broker")

    def start_broker(self) -> float:
        """Start it again; answers when its port opened (monotonic)."""
        opened: list[float] = []
        watcher = threading.Thread(target=self._await_port, args=(opened,), daemon=True)
        watcher.start()
        self.stack.servers.start_broker()
        watcher.join(30)
        self._away["broker"][-1][1] = opened[0]
        say("the broker is back")
        return opened[0]

    def broker(self) -> None:
        """Kill it, and start it again a little later."""
        self.kill_broker()
        self.stopping.wait(BROKER_AWAY)
        self.start_broker()

    def _await_port(self, opened: list[float]) -> None:
        broker = self.stack.servers.broker
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((broker.host, broker.amqp_port), timeout=1):
                opened.append(time.monotonic())
                return
            time.sleep(0.02)
