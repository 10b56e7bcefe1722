"""nameko extensions: a service's inbox, calls, relay and workers, started and stopped by its container."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from eventlet.event import Event
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import DependencyProvider, Entrypoint

from shared.edge.call_endpoint import CallEndpoint
from shared.edge.consumer import Consumer
from shared.edge.http_server import HttpServer
from shared.edge.relay import Relay
from shared.edge.service_http import Health, ServiceHttp
from shared.edge.topology_seen import check_passively, connector
from shared.edge.workers import Workers
from shared.ops.settings import Settings
from shared.runtime.app import App

log = logging.getLogger(__name__)
MAX_BATCH = 32 * 1024 * 1024  # a hundred calls with bodies of up to 1 MiB are refused at the gateway long before


def app_of(container: Any) -> App:
    """The App that the runner joined for this container."""
    return container.config["app"]


class _Fired(Entrypoint):
    """An entrypoint that runs its method in a worker of the container and waits for the result."""

    def fire(self, argument: Any) -> Any:
        done = Event()
        try:
            self.container.spawn_worker(self, (argument,), {}, handle_result=partial(self._result, done))
        except ContainerBeingKilled:
            raise OSError("the service is stopping") from None
        return done.wait()

    @staticmethod
    def _result(done: Event, _context: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        if exc_info is None:
            done.send(result)
        else:
            done.send_exception(*exc_info)
        return result, None  # the caller handles it; nameko has nothing left to report


class EdgeInbox(_Fired):
    """Fires the method with each batch of events from `<service>.inbox`; acknowledges after it returns."""

    def start(self) -> None:
        settings: Settings = self.container.config["settings"]
        app = app_of(self.container)
        self._consumer = Consumer(settings.broker(), app.name, self.fire, app.contents.prompt)
        self.container.config["consumer"] = self._consumer
        self.container.spawn_managed_thread(self._consumer.run, identifier="consumer")

    def stop(self) -> None:
        self._consumer.stop()


class EdgeCalls(_Fired):
    """Serves the batched call endpoint, health and metrics, and fires the method with each batch of calls."""

    def start(self) -> None:
        settings: Settings = self.container.config["settings"]
        app = app_of(self.container)
        topology = partial(check_passively, connector(settings.broker()), app.name)
        self.health = self.container.config["health"] = Health(app, topology)
        endpoint = CallEndpoint(app, settings.call_secret, execute=self.fire)
        face = ServiceHttp(app, endpoint, self.health)
        self._server = HttpServer(face, settings.host, settings.port, max_body=MAX_BATCH)
        self._server.start()

    def stop(self) -> None:
        self.health.stopping = True
        self._server.stop()


class Joined(DependencyProvider):
    """Gives the service its App, and runs what works beside requests: relay, jobs, timers, retries."""

    def start(self) -> None:
        settings: Settings = self.container.config["settings"]
        app = app_of(self.container)
        must_route = self.container.config.get("must_route", frozenset())
        self._relay = Relay(app, settings.broker(), must_route)
        self._workers = Workers(app)
        self._relay.start()
        self._workers.start()

    def stop(self) -> None:
        self._workers.stop()
        self._relay.stop()

    def get_dependency(self, worker_ctx: Any) -> App:
        return app_of(self.container)


inbox: Callable[[Callable[[Any, Sequence[Any]], Any]], Any] = EdgeInbox.decorator
calls: Callable[[Callable[[Any, Sequence[Any]], Any]], Any] = EdgeCalls.decorator

__all__ = ["Joined", "app_of", "calls", "inbox"]
