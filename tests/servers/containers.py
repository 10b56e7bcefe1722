"""RabbitMQ and PostgreSQL in containers, through testcontainers."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import Any

from tests.servers.processes import ServerError, birth, free_ports, wait_until
from tests.servers.reach import Broker, Database, broker_answers, database_answers

BROKER_IMAGE, DATABASE_IMAGE = "rabbitmq:4-management", "postgres:17"
KEEPER = "aftersale.test.keeper"  # label: the process that removes the container, and when that process started
REMEDY = "start a Docker engine that has or can pull them, or install rabbitmq-server and postgresql"


def unavailable() -> str | None:
    """Why containers cannot be used here, or `None` if they can."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=10)
        client.ping()
    except DockerException as error:
        return f"no Docker engine answers ({type(error).__name__})"
    with contextlib.closing(client):
        for image in (BROKER_IMAGE, DATABASE_IMAGE):
            if not client.images.list(name=image):
                try:
                    client.api.timeout = 600  # pulling takes its time; a closed network refuses at once
                    client.images.pull(image)
                except DockerException:
                    return f"image {image} is neither here nor can be pulled"
    return None


class ContainerServers:
    """One broker and one database server in containers of this process."""

    way = "containers"

    def __init__(self) -> None:
        reason = unavailable()
        if reason:
            raise ServerError(f"{reason}: {REMEDY}")
        # The reaper container is a third image to pull; the label below does its work.
        os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
        _remove_orphans()
        amqp, http, sql = free_ports(3)
        password = secrets.token_hex(12)
        self.broker = Broker("127.0.0.1", amqp, http, "admin", password)
        self.database = Database("127.0.0.1", sql, "postgres", password)
        self._rabbit = self._postgres = None
        try:
            self._postgres = _container(DATABASE_IMAGE, {5432: sql}, {"POSTGRES_PASSWORD": password})
            account = {"RABBITMQ_DEFAULT_USER": "admin", "RABBITMQ_DEFAULT_PASS": password}
            self._rabbit = _container(BROKER_IMAGE, {5672: amqp, 15672: http}, account)
            wait_until(lambda: database_answers(self.database), "PostgreSQL in its container")
            wait_until(lambda: broker_answers(self.broker), "RabbitMQ in its container")
        except BaseException:
            self.stop()
            raise

    def start_broker(self) -> None:
        """Start RabbitMQ, with what it kept, and wait until it serves AMQP and management."""
        self._rabbit.get_wrapped_container().start()
        wait_until(lambda: broker_answers(self.broker), "RabbitMQ in its container")

    def kill_broker(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""
        self._rabbit.get_wrapped_container().kill()

    def restart_broker(self) -> None:
        """An orderly stop and a start."""
        container = self._rabbit.get_wrapped_container()
        container.exec_run("rabbitmqctl shutdown")  # not every image passes Docker's signal on to the broker
        container.stop(timeout=10)
        self.start_broker()

    def alarm_broker(self) -> None:
        """Memory above its mark: everything is above this one."""
        self._control("rabbitmqctl set_vm_memory_high_watermark 0.00001")

    def calm_broker(self) -> None:
        """RabbitMQ's own default again."""
        self._control("rabbitmqctl set_vm_memory_high_watermark 0.4")

    def _control(self, command: str) -> None:
        done = self._rabbit.get_wrapped_container().exec_run(command)
        if done.exit_code:
            raise ServerError(f"{command}: {done.output.decode(errors='replace')}")

    def stop(self) -> None:
        """Remove both containers and what they wrote."""
        for container in (self._rabbit, self._postgres):
            if container is not None:
                container.stop(force=True, delete_volume=True)


def _container(image: str, ports: dict[int, int], environment: dict[str, str]) -> Any:
    """A started container; its ports are fixed, since Docker would choose new ones when it starts again."""
    from testcontainers.core.container import DockerContainer

    label = {KEEPER: f"{os.getpid()}:{birth(os.getpid())}"}
    container = DockerContainer(image).with_kwargs(labels=label)
    container.ports.update({inside: ("127.0.0.1", outside) for inside, outside in ports.items()})
    for name, value in environment.items():
        container.with_env(name, value)
    return container.start()


def _remove_orphans() -> None:
    """Remove what earlier runs left that were killed before they could."""
    import docker

    with contextlib.closing(docker.from_env()) as client:
        for container in client.containers.list(all=True, filters={"label": KEEPER}):
            pid, _, born = container.labels[KEEPER].partition(":")
            if birth(int(pid)) != born:
                with contextlib.suppress(docker.errors.APIError):  # somebody else was faster
                    container.remove(force=True, v=True)
