"""The mails that were caught: kept raw, read on demand, bounded in number and in bytes."""

import functools
import sqlite3
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from pathlib import Path

import orjson

KEPT = 5_000  # mails; a demo day sends a few hundred
KEPT_BYTES = 256 * 1024 * 1024  # raw bytes, so that photos in mails cannot fill the memory
_SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received REAL NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    subject TEXT NOT NULL, size INTEGER NOT NULL, shown TEXT NOT NULL, search TEXT NOT NULL, raw BLOB NOT NULL);
"""
# The standard policy parses a header anew at every look; remembering it makes reading a mail several times as fast.
_POLICY = policy.default.clone(header_factory=functools.lru_cache(256)(HeaderRegistry()))


@dataclass(frozen=True, slots=True)
class Query:
    """Which mails: a recipient (part of the address), words that must occur, ids after `after`, at most `limit`."""

    to: str | None = None
    contains: str | None = None
    after: int = 0
    limit: int = 50


class Mailbox:
    """Caught mails, newest first; in memory or in a file."""

    def __init__(self, path: Path | None):
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        self._count, self._bytes = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM mails").fetchone()

    def put(self, sender: str, recipients: list[str], raw: bytes) -> int:
        """Keep a mail and return its id; the oldest make room."""
        sender, recipients, shown = _storable(sender), [_storable(address) for address in recipients], readable(raw)
        search = "\n".join([sender, *recipients, shown["subject"], shown["text"], shown["html"],
                            *(f"{k}: {v}" for k, v in shown["headers"])]).casefold()
        row = self._db.execute(
            "INSERT INTO mails (received, sender, recipients, subject, size, shown, search, raw) "
            "VALUES (?,?,?,?,?,?,?,?)",
            (time.time(), sender, orjson.dumps(recipients).decode(), shown["subject"], len(raw),
             orjson.dumps(shown).decode(), search, raw))
        self._count, self._bytes = self._count + 1, self._bytes + len(raw)
        self._make_room()
        return row.lastrowid or 0

    def find(self, query: Query) -> list[dict]:
        """Mails that fit, newest first, each with headers, text, html and the list of its attachments."""
        where: list[str] = ["id > ?"]
        values: list[int | str] = [query.after]
        if query.to:
            where.append("instr(lower(recipients), ?)")
            values.append(query.to.lower())
        if query.contains:
            where.append("instr(search, ?)")
            values.append(query.contains.casefold())
        rows = self._db.execute(
            "SELECT id, received, sender, recipients, size, shown FROM mails "
            f"WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", (*values, query.limit))
        return [_listed(row) for row in rows]

    def count(self) -> int:
        """How many mails are kept."""
        return self._count

    def get(self, id: int) -> dict | None:
        """One mail as `find` gives it, or None."""
        row = self._db.execute("SELECT id, received, sender, recipients, size, shown FROM mails WHERE id = ?",
                               (id,)).fetchone()
        return _listed(row) if row else None

    def raw(self, id: int) -> bytes | None:
        """The bytes as they came, or None."""
        row = self._db.execute("SELECT raw FROM mails WHERE id = ?", (id,)).fetchone()
        return row["raw"] if row else None

    def clear(self) -> int:
        """Forget all mails; ids go on counting. Returns how many there were."""
        self._count = self._bytes = 0
        return self._db.execute("DELETE FROM mails").rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _make_room(self) -> None:
        while self._count > KEPT or (self._bytes > KEPT_BYTES and self._count > 1):
            oldest = self._db.execute("SELECT id, size FROM mails ORDER BY id LIMIT 1").fetchone()
            self._db.execute("DELETE FROM mails WHERE id = ?", (oldest["id"],))
            self._count, self._bytes = self._count - 1, self._bytes - oldest["size"]


def _listed(row: sqlite3.Row) -> dict:
    return {"id": row["id"], "received": row["received"], "from": row["sender"],
            "to": orjson.loads(row["recipients"]), "size": row["size"], **orjson.loads(row["shown"])}


def parsed(raw: bytes) -> EmailMessage:
    """The message of the bytes, by the standard library."""
    return message_from_bytes(raw, policy=_POLICY)


def readable(raw: bytes) -> dict:
    """Subject, headers in order, text, html and attachments; what cannot be read is shown empty, never refused."""
    message = parsed(raw)
    return {"subject": _safe(lambda: str(message["Subject"] or "")),
            "headers": [[_storable(name), _safe(lambda value=value: str(value))]
                        for name, value in _safe(message.items, [])],
            "text": _part(message, "plain"), "html": _part(message, "html"),
            "attachments": _safe(lambda: [_attachment(part) for part in attachments(message)], [])}


def attachments(message: EmailMessage) -> list[EmailMessage]:
    """Every leaf that is neither the text nor the html of the mail."""
    bodies = {id(message.get_body((kind,))) for kind in ("plain", "html")}
    return [part for part in message.walk() if not part.is_multipart() and id(part) not in bodies]


def payload_of(part: EmailMessage) -> bytes:
    """The decoded content of an attachment."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _attachment(part: EmailMessage) -> dict:
    return {"filename": _safe(lambda: part.get_filename() or ""), "size": len(payload_of(part)),
            "content_type": _safe(part.get_content_type), "disposition": _safe(part.get_content_disposition) or "",
            "content_id": _safe(lambda: str(part["Content-ID"] or "").strip("<>"))}


def _part(message: EmailMessage, kind: str) -> str:
    body = _safe(lambda: message.get_body((kind,)), None)
    return _safe(lambda: body.get_content()) if body is not None else ""


def _safe(read, otherwise=""):
    # Hostile or broken mails raise many kinds of errors inside the parser, and a catcher must show them all the same.
    try:
        return _storable(read())
    except Exception:
        return otherwise


def _storable(value):
    """Texts without lone surrogates, which neither JSON nor SQLite can hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
