"""Events written with the change that caused them, then delivered to the registered targets until they answer 2xx."""

import asyncio
import hashlib
import hmac
import secrets
import time
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from services.simulator import outgoing
from services.simulator.records import Records

# Seconds before each further attempt: Stripe retries for days, a demo wants to see it within a minute.
PAUSES = (0.2, 0.5, 1, 2, 5, 10, 20)
AT_ONCE = 16  # deliveries in flight; more would only queue at the receiver


def stripe_headers(secret: str, body: bytes, now: int) -> dict[str, str]:
    """Stripe's signature over `timestamp.body`. Source: docs.stripe.com/webhooks#verify-manually."""
    digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={digest}"}


def paypal_signature(secret: str, transmission: str, sent: str, webhook: str, event: Mapping) -> str:
    """A signature over the fields that PayPal signs (id, time, webhook, CRC-32 of the event).

    PayPal signs with its certificate; here the target's secret stands for it and only the verify route can tell.
    """
    crc = zlib.crc32(orjson.dumps(event, option=orjson.OPT_SORT_KEYS))
    return hmac.new(secret.encode(), f"{transmission}|{sent}|{webhook}|{crc}".encode(), hashlib.sha256).hexdigest()


def _paypal_headers(target: Mapping, body: bytes) -> dict[str, str]:
    transmission, sent = secrets.token_hex(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = paypal_signature(target["secret"], transmission, sent, target["id"], orjson.loads(body))
    return {"PAYPAL-TRANSMISSION-ID": transmission, "PAYPAL-TRANSMISSION-TIME": sent,
            "PAYPAL-TRANSMISSION-SIG": signature, "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-CERT-URL": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-simulated"}


class Webhooks:
    """Targets, events and their deliveries; all of it in the records, so a restart goes on where it stopped."""

    def __init__(self, records: Records):
        self._records = records
        self._db = records.db
        self._tasks: dict[int, asyncio.Task] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._new = True  # something may wait; at start the records may hold leftovers

    def register(self, provider: str, url: str, secret: str | None, events: list[str], id: str | None = None) -> dict:
        """Add a target; `events` are types or `*`. `id`: for whoever has to know it before, else a new one."""
        if id is None:
            id = f"we_{secrets.token_hex(12)}" if provider == "stripe" else secrets.token_hex(9)[:17].upper()
        secret = secret or f"whsec_{secrets.token_urlsafe(24)}"
        with self._records.change():
            self._db.execute("INSERT INTO targets (id, provider, url, secret, events) VALUES (?,?,?,?,?)",
                             (id, provider, url, secret, orjson.dumps(events).decode()))
        return {"id": id, "provider": provider, "url": url, "secret": secret, "events": events}

    def targets(self, provider: str | None = None) -> list[dict]:
        """The registered targets."""
        rows = self._db.execute("SELECT id, provider, url, secret, events FROM targets "
                                "WHERE ?1 IS NULL OR provider = ?1 ORDER BY seq", (provider,))
        return [{**row, "events": orjson.loads(row["events"])} for row in map(dict, rows)]

    def unregister(self, id: str | None = None) -> None:
        """Remove one target, or all of them."""
        with self._records.change():
            self._db.execute("DELETE FROM targets WHERE ?1 IS NULL OR id = ?1", (id,))

    def announce(self, provider: str, id: str, type: str, event: Mapping) -> None:
        """Write an event and its deliveries down, in the caller's transaction."""
        self._db.execute("INSERT INTO events (id, provider, type, body) VALUES (?,?,?,?)",
                         (id, provider, type, orjson.dumps(event)))
        for target in self.targets(provider):
            if "*" in target["events"] or type in target["events"]:
                self._queue(id, target["id"])

    def resend(self, event: str) -> int:
        """Deliver an event once more to every target of its provider; returns to how many (a duplicate on purpose)."""
        row = self._db.execute("SELECT provider FROM events WHERE id = ?", (event,)).fetchone()
        targets = self.targets(row["provider"]) if row else []
        with self._records.change():
            for target in targets:
                self._queue(event, target["id"])
        self.wake()
        return len(targets)

    def events(self, provider: str) -> list[dict]:
        """Every event of a provider, newest first."""
        rows = self._db.execute("SELECT body FROM events WHERE provider = ? ORDER BY seq DESC", (provider,))
        return [orjson.loads(row["body"]) for row in rows]

    def deliveries(self) -> list[dict]:
        """Every delivery with its state (waiting, delivered, given_up), attempts and last outcome."""
        return [dict(row) for row in self._db.execute(
            "SELECT d.event, e.type, d.target, d.attempts, d.state, d.last FROM deliveries d "
            "JOIN events e ON e.id = d.event ORDER BY d.seq")]

    def wake(self) -> None:
        """Start what waits to be delivered; call after the commit, so nothing is told that did not happen."""
        if not self._new:
            return
        self._new = False
        for row in self._db.execute("SELECT seq FROM deliveries WHERE state = 'waiting'").fetchall():
            if row["seq"] not in self._tasks:
                self._tasks[row["seq"]] = asyncio.ensure_future(self._deliver(row["seq"]))

    async def stop(self) -> None:
        """End the attempts that are under way; what was not delivered stays waiting."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _queue(self, event: str, target: str) -> None:
        self._new = True
        self._db.execute("INSERT INTO deliveries (event, target, state) VALUES (?, ?, 'waiting')", (event, target))

    async def _deliver(self, seq: int) -> None:
        try:
            for pause in (*PAUSES, None):
                async with self._gate:
                    outcome = await self._attempt(seq)
                done = outcome is None or outcome.startswith("2")
                state = "delivered" if done else "given_up" if pause is None else "waiting"
                self._db.execute("UPDATE deliveries SET attempts = attempts + 1, state = ?, last = ? WHERE seq = ?",
                                 (state, outcome, seq))
                if done or pause is None:
                    return
                await asyncio.sleep(pause)
        finally:
            self._tasks.pop(seq, None)

    async def _attempt(self, seq: int) -> str | None:
        """The status of one attempt, the reason why there is none, or None when the target is gone."""
        row = self._db.execute(
            "SELECT e.body, t.id, t.provider, t.url, t.secret FROM deliveries d JOIN events e ON e.id = d.event "
            "JOIN targets t ON t.id = d.target WHERE d.seq = ?", (seq,)).fetchone()
        if row is None:
            return None
        body = row["body"]
        signed = (stripe_headers(row["secret"], body, int(time.time())) if row["provider"] == "stripe"
                  else _paypal_headers(row, body))
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "provider-simulator", **signed}
        try:
            return str(await outgoing.post(row["url"], headers, body))
        except (OSError, TimeoutError, ValueError) as error:
            return type(error).__name__
