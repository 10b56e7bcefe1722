"""A service with data of its own, in its nameko container; the gateway does without what is loaded here."""

from __future__ import annotations

import importlib
import logging

import eventlet
from nameko.containers import ServiceContainer

from shared.edge.topology_plan import load as load_topology
from shared.kernel.clock import VirtualClock
from shared.ops.settings import Settings
from shared.runtime import faults, virtual_clock
from shared.runtime.app import App

log = logging.getLogger(__name__)


class Hosted:
    """A service in its nameko container."""

    def __init__(self, service: type, app: App, settings: Settings, must_route: frozenset[str]) -> None:
        config = {"app": app, "settings": settings, "must_route": must_route, "max_workers": 20}
        self.container = ServiceContainer(service, config)
        self.container.start()
        self._watch = eventlet.spawn(self._wait)
        self.alive = True

    def _wait(self) -> None:
        try:
            self.container.wait()
        except Exception:
            log.exception("container died")
        self.alive = False

    def unready(self) -> None:
        if health := self.container.config.get("health"):
            health.stopping = True

    def stop(self) -> None:
        self.container.stop()


def host(name: str, settings: Settings) -> Hosted:
    """Build this service and start it."""
    module = importlib.import_module(f"services.{name}.service")
    clock = VirtualClock() if settings.virtual_clock else None
    app = importlib.import_module(f"services.{name}.app").build(settings, clock)
    if clock is not None:
        virtual_clock.install(app, clock)
    if settings.faults:
        faults.install(app, settings.faults)
    return Hosted(module.SERVICE, app, settings, load_topology().heard)
