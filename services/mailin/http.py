"""Health, metrics, and the webhook of a provider that receives mail for us."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client import generate_latest

from services.mailin.authenticity import Envelope
from services.mailin.spool import Spool
from shared.contracts.mail import LONGEST_MAIL

log = logging.getLogger(__name__)
TOLERANCE = 300  # seconds between the provider's clock and ours
LONGEST_BODY = LONGEST_MAIL * 4 // 3 + 10_000  # base64 and the envelope


def signed(secrets: str, timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """`v1=` and the HMAC-SHA256 of `timestamp.body`, by one of the secrets (two during a rotation), and not old."""
    if not (timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp)) <= TOLERANCE):
        return False
    made = [
        "v1=" + hmac.new(secret.strip().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        for secret in secrets.split(",")
        if secret.strip()
    ]
    given = [each.strip() for each in signature.split(",")]
    return any(hmac.compare_digest(ours.encode(), each.encode()) for ours in made for each in given)


class Hook:
    """secret: none, and there is no webhook."""

    def __init__(self, spool: Spool, secret: str, ready: Callable[[], bool] = lambda: True) -> None:
        self._spool, self._secret, self._ready = spool, secret, ready

    def take(self, timestamp: str, signature: str, body: bytes, now: float | None = None) -> int:
        """An HTTP status: 202 when the mail is on disk."""
        if not self._secret:
            return 404
        if not signed(self._secret, timestamp, signature, body, time.time() if now is None else now):
            return 401
        try:
            told = orjson.loads(body)
            raw = base64.b64decode(told["raw"], validate=True)
            recipients = [str(each) for each in told["recipients"]][:20]
            mail_from = str(told.get("mail_from", ""))
        except (ValueError, KeyError, TypeError):
            return 400
        if len(raw) > LONGEST_MAIL:
            return 413
        self._spool.put(recipients, Envelope(mail_from=mail_from, via="hook"), raw)
        return 202

    def serve(self, host: str, port: int) -> ThreadingHTTPServer:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def do_GET(self) -> None:
                if self.path == "/livez":
                    self._answer(200, b'{"status":"alive"}')
                elif self.path == "/readyz":
                    self._answer(200, b'{"ready":true}') if hook._ready() else self._answer(503, b'{"ready":false}')
                elif self.path == "/metrics":
                    self._answer(200, generate_latest(), "text/plain; version=0.0.4; charset=utf-8")
                else:
                    self._answer(404, b"{}")

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length") or ""
                if self.path != "/hooks/mail":
                    return self._answer(404, b"{}")
                if not length.isdigit() or int(length) > LONGEST_BODY:
                    return self._answer(413 if length.isdigit() else 411, b"{}")
                body = self.rfile.read(int(length))
                timestamp, signature = self.headers.get("X-Timestamp") or "", self.headers.get("X-Signature") or ""
                return self._answer(hook.take(timestamp, signature, body), b"{}")

            def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        server = ThreadingHTTPServer((host, port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        return server
