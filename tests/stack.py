"""The suite as separate processes on a real RabbitMQ and PostgreSQL: for integration tests, chaos and benchmark."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import requests

from shared.edge import topology
from tests.servers import Servers
from tests.servers.suite import passwords_of

ROOT = Path(__file__).resolve().parents[1]
WITH_DATA = ("order", "claim", "messaging", "refund", "notification")
ALL = (*WITH_DATA, "gateway")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """Six processes, one broker user and one database each. `settings` are environment variables for all of them."""

    def __init__(self, servers: Servers, name: str = "suite", services: Iterable[str] = ALL, **settings: str) -> None:
        self.servers, self.services = servers, tuple(services)
        self.vhost = servers.vhost(name)
        self.passwords = passwords_of(servers)
        self.ports = {service: free_port() for service in self.services}
        self.secrets = {service: secrets.token_hex(16) for service in self.services}
        self.databases = {s: self.database(f"{name}_{s}", s) for s in self.services if s in WITH_DATA}
        self.jwt_secret = secrets.token_hex(32)
        self.settings = settings
        self.processes: dict[str, subprocess.Popen] = {}
        # A folder of this run: two stacks at the same time must not read one another's logs.
        self.log_folder = Path(os.environ.get("STACK_LOGS", "/tmp/aftersale-stack")) / self.vhost
        self.log_folder.mkdir(parents=True, exist_ok=True)

    # life

    def prepare(self) -> None:
        """Schema and topology, as the migration and topology jobs make them."""
        user, password = self.servers.admin
        topology.apply(self.servers.management, user, password, self.vhost, self.passwords)
        with ThreadPoolExecutor(len(self.databases)) as jobs:  # as the jobs do: none waits for another
            made = [jobs.submit(self._aftersale, "migrate", s, DATABASE_URL=url) for s, url in self.databases.items()]
        for job in made:
            job.result()

    def database(self, name: str, service: str) -> str:
        """The URL of a new database for this service."""
        return self.servers.database(name)

    def process(self, service: str) -> Any:
        """A new process that runs this service."""
        log = (self.log_folder / f"{service}.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", "run", service],
            cwd=ROOT,
            env=self.environment(service),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def start(self, *services: str, wait: bool = True) -> None:
        """Start these services (all without a name), and wait until each is ready."""
        for service in services or self.services:
            self.processes[service] = self.process(service)
        if wait:
            for service in services or self.services:
                self.wait_ready(service)

    def wait_ready(self, service: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url(service)}/readyz", timeout=2).ok:
                    return
            if self.processes[service].poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{service} is not ready:\n{self.log(service)[-3000:]}")

    def kill(self, service: str) -> None:
        """kill -9."""
        self.processes[service].kill()
        self.processes[service].wait()

    def terminate(self, service: str, seconds: float = 40) -> int:
        """SIGTERM; the exit code."""
        self.processes[service].send_signal(signal.SIGTERM)
        return self.processes[service].wait(seconds)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def __enter__(self) -> Stack:
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # where

    def url(self, service: str = "gateway") -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def amqp(self, user: str) -> str:
        return self.servers.amqp_uri(user, self.passwords[user], self.vhost)

    def log(self, service: str, after: int = 0) -> str:
        """What this service has logged, from that many bytes on."""
        return (self.log_folder / f"{service}.log").read_bytes()[after:].decode(errors="replace")

    def environment(self, service: str) -> dict[str, str]:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOST": "127.0.0.1",
            "PORT": str(self.ports[service]),
            "MAIL": "off",
            "LINK_SECRET": self.jwt_secret,
            **({"PUBLIC_URL": self.url()} if "gateway" in self.ports else {}),
            **self.settings,
        }
        if service == "gateway":
            env["JWT_SECRET"] = self.jwt_secret
            for other in self.services:
                env[f"{other.upper()}_URL"] = self.url(other)
                env[f"{other.upper()}_CALL_SECRET"] = self.secrets[other]
        else:
            env["DATABASE_URL"] = self.databases[service]
            env["AMQP_URI"] = self.amqp(service)
            env["CALL_SECRET"] = self.secrets[service]
        return env

    # who

    def token(self, role: str, id: str, tenant: str = "shop", party: str | None = None, **claims: Any) -> str:
        """A signed token of a person, as the identity provider would give it."""
        now = int(time.time())
        content = {"iss": "aftersale", "aud": "aftersale-api", "iat": now, "nbf": now - 5, "exp": now + 3600}
        content |= {"sub": id, "role": role, "tenant": tenant, **claims}
        if party:
            content["party"] = party
        return jwt.encode(content, self.jwt_secret, algorithm="HS256")

    def _aftersale(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"aftersale {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
