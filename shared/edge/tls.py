"""TLS to the broker that verifies whom it talks to."""

from __future__ import annotations

import ssl
from typing import Any


def verified_tls(hostname: str | None) -> dict[str, Any]:
    """The `ssl` argument of an `amqp.Connection`: the certificate must be trusted and be `hostname`'s (T16).

    Trusted are the system's authorities, or those of SSL_CERT_FILE. amqp turns `context` into arguments of
    `ssl.create_default_context`; with `ssl=True`, or an empty `context`, it verifies nothing and does not say so.
    """
    return {"context": {"purpose": ssl.Purpose.SERVER_AUTH, "check_hostname": True}, "server_hostname": hostname}
