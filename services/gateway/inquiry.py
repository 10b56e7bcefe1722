"""One request, read: who asks, what, and under which conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from services.gateway.problems import MalformedHeader
from services.gateway.table import Compiled
from shared.kernel.calls import Call
from shared.kernel.errors import IdempotencyKeyRequired
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal

KEY = re.compile(r"[\x21-\x7e]{1,200}")
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{7,63}")
ETAG = re.compile(r'(?:W/)?"(\d{1,9})(?:-[0-9a-f]+)?"')


@dataclass(slots=True)
class Inquiry:
    """args: of path, query and body together. version: that the caller read (If-Match), or None."""

    environ: dict[str, Any]
    compiled: Compiled
    args: dict[str, Any]
    principal: Principal
    correlation: str
    key: str | None = None
    version: int | None = None

    def call(self, operation: str | None = None, args: dict[str, Any] | None = None) -> Call:
        """This inquiry as a call: of the route's own operation, or of another one for a part of a page."""
        return Call(
            operation or self.compiled.operation,
            self.args if args is None else args,
            self.principal,
            self.key,
            self.version,
            self.correlation,
        )


def correlation_of(environ: dict[str, Any]) -> str:
    """The caller's X-Request-Id where it gives a usable one. It names the request in logs; it authorises nothing."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else new_id("req")


def key_of(environ: dict[str, Any], required: bool) -> str | None:
    """The Idempotency-Key. IDEMPOTENCY_KEY_REQUIRED where money moves and none is given."""
    key = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        if required:
            raise IdempotencyKeyRequired()
        return None
    if not KEY.fullmatch(key):
        raise MalformedHeader(header="Idempotency-Key", reason="1 to 200 visible ASCII characters")
    return key


def version_of(environ: dict[str, Any]) -> int | None:
    """The version that If-Match names; None without one, or for `*`."""
    given = environ.get("HTTP_IF_MATCH", "").strip()
    if given in ("", "*"):
        return None
    found = ETAG.fullmatch(given)
    if not found:
        raise MalformedHeader(header="If-Match", reason="one ETag as a read answered it")
    return int(found[1])
