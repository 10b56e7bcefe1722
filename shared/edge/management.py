"""RabbitMQ's management HTTP API, as far as the topology needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = (3, 10)  # seconds to connect and to answer: a broker that takes longer is not ready to be changed


class ManagementError(Exception):
    """The broker's management API refused or could not be reached."""


class Management:
    """One administrator's session with the management API, for one virtual host."""

    def __init__(self, url: str, user: str, password: str, vhost: str = "/") -> None:
        self.url, self.user, self.vhost = url.rstrip("/"), user, vhost
        self._session = requests.Session()
        self._session.auth = (user, password)
        self._session.trust_env = False  # neither a proxy nor a .netrc may stand between us and the broker

    def get(self, *path: str) -> Any:
        """What the API holds at `path`; `None` where it holds nothing."""
        answer = self._send("GET", path)
        return None if answer.status_code == 404 else answer.json()

    def put(self, *path: str, body: Mapping[str, Any]) -> None:
        """Create or replace what `path` names."""
        self._send("PUT", path, body)

    def post(self, *path: str, body: Mapping[str, Any]) -> None:
        """Add to the collection at `path`."""
        self._send("POST", path, body)

    def delete(self, *path: str, **conditions: str) -> None:
        """Remove what `path` names; the broker checks `conditions`, for example `if_empty="true"`."""
        self._send("DELETE", path, conditions={key.replace("_", "-"): value for key, value in conditions.items()})

    def version(self) -> tuple[int, ...]:
        """The broker's version, for example (4, 0, 5)."""
        text = self.get("overview")["rabbitmq_version"]
        return tuple(int(part) for part in text.split("+")[0].split("-")[0].split(".") if part.isdigit())

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _send(
        self, method: str, path: tuple[str, ...], body: Mapping | None = None, conditions: Mapping | None = None
    ) -> requests.Response:
        url = "/".join([self.url, "api", *(quote(part, safe="") for part in path)])
        try:
            answer = self._session.request(method, url, json=body, params=conditions, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ManagementError(f"no answer from the broker's management API at {self.url}: {error}") from error
        if answer.ok or (method == "GET" and answer.status_code == 404):
            return answer
        raise ManagementError(f"{method} {'/'.join(path)}: the broker answered {answer.status_code}: {answer.text}")
