"""Runs nameko services in this process: no nameko CLI, obeys SIGTERM at once, lets work in flight finish (N11, N44)."""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

import eventlet

from shared.edge.http_server import HttpServer
from shared.ops.settings import PRODUCTION, Settings

log = logging.getLogger(__name__)
# Kubernetes takes this long to stop sending new requests to a pod that is being stopped (N46).
DRAIN_SECONDS = 5
GIVE_BACK_EVERY = 60.0  # seconds


class Running(Protocol):
    """A service at work."""

    alive: bool

    def unready(self) -> None:
        """Say on /readyz that it is going away."""

    def stop(self) -> None:
        """Finish what is in hand and end."""


def run(names: list[str], settings: Settings) -> int:
    """Run these services until SIGTERM or SIGINT; the exit code. Several in one process listen on consecutive ports."""
    ports = (replace(settings, port=settings.port + index) for index in range(len(names)))
    return serve([partial(_start, name, own) for name, own in zip(names, ports, strict=True)], settings)


def serve(starts: list[Callable[[], Running]], settings: Settings) -> int:
    """Start these, run until told to stop or one of them dies, stop them in order."""
    stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: stop.append(signum))
    running = [start() for start in starts]
    _keep_what_was_loaded()
    log.info("ready")
    give_back_at = 0.0
    while not stop and all(service.alive for service in running):
        eventlet.sleep(0.2)
        if time.monotonic() >= give_back_at:
            give_back_memory()
            give_back_at = time.monotonic() + GIVE_BACK_EVERY
    for service in running:
        service.unready()
    if settings.mode == PRODUCTION and stop:
        eventlet.sleep(DRAIN_SECONDS)
    for service in running:
        service.stop()
    return 0 if stop else 1


def _keep_what_was_loaded() -> None:
    """Take what the start made out of the collector's sight, and let it look less often.

    It went through all modules, schemas and statements again and again: pauses of 55 to 70 ms, an eighth of all CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def give_back_memory() -> None:
    """What a burst took and freed goes back to the machine: glibc keeps it, 3 to 12 MB a process (Linux only)."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


class _Gateway:
    """The gateway has no data and no broker: its WSGI application on the same HTTP server."""

    alive = True

    def __init__(self, settings: Settings) -> None:
        module = importlib.import_module("services.gateway.app")
        clients = importlib.import_module("services.gateway.clients").HttpClients(settings)
        self.application = module.build(settings, clients)
        self.server = HttpServer(self.application, settings.host, settings.port, streamed=module.STREAMED)
        self.server.start()

    def unready(self) -> None:
        self.application.stopping = True

    def stop(self) -> None:
        self.server.stop()


def _start(name: str, settings: Settings) -> Running:
    if name == "gateway":
        return _Gateway(settings)
    return importlib.import_module("shared.edge.hosting").host(name, settings)


def check_environment() -> None:
    """Refuse to start where it would freeze: sockets must be green before anything else was imported (N50)."""
    if not eventlet.patcher.is_monkey_patched("socket"):
        sys.exit("start services with `aftersale run`: it prepares the process first")
