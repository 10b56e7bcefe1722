"""A mail's source read: who, to whom, in answer to what, written by a person or a machine, and what he wrote.

Nothing in here raises: mail is written by strangers.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Any

from services.mailin.html_text import text_of
from services.mailin.replies import what_was_written, without_aliases
from shared.contracts.attachments import LARGEST

REFERENCES = 30
PARTS = 200
IDS = re.compile(r"<[^<>\s]{3,400}>")
ALIAS = re.compile(r"\bc\.[a-z0-9]{18}@", re.IGNORECASE)
RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To", "To", "Cc", "Resent-To")
BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
MACHINE_HEADERS = (
    "X-Auto-Response-Suppress",
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Auto-Reply",
    "X-Vacation",
    "X-AutoReply-From",
    "X-MS-Exchange-Generated-Message-Source",
    "Feedback-ID",
)
MACHINES = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|ne-?pas-?repondre|noreply.*|bounces?)@", re.IGNORECASE
)
ABSENT = re.compile(
    r"^\s*(?:automatic reply|auto[- ]?reply|autoreply|out of (?:the )?office|réponse automatique|absence du bureau"
    r"|absent(?:e)? du bureau|message d'absence|automatische antwort|abwesenheitsnotiz|abwesend\b)",
    re.IGNORECASE,
)
FAILED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass
class Parsed:
    """automatic: why a machine wrote it, None for a person. bounce: what a delivery report says, and of which mails.

    contents: the bytes of each attachment, empty where it is larger than anybody may send.
    """

    sender: str = "unknown@invalid"
    senders: int = 0
    recipients: list[str] = field(default_factory=list)
    message_id: str | None = None
    references: list[str] = field(default_factory=list)
    subject: str = ""
    automatic: str | None = None
    bounce: dict[str, Any] | None = None
    text: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    content_hash: str = ""
    results: list[str] = field(default_factory=list)


def parse(raw: bytes, own_domains: tuple[str, ...], null_sender: bool = False) -> Parsed:
    """own_domains: of our Message-IDs and aliases. null_sender: its envelope names nobody to answer."""
    found = Parsed(content_hash=hashlib.sha256(raw).hexdigest())
    try:
        mail = message_from_bytes(raw)
        _read_headers(mail, found)
        found.bounce = _bounce(mail, own_domains)
        found.automatic = _automatic(mail, found, own_domains, null_sender)
        if not found.automatic:
            _read_body(mail, found)
    except Exception:  # RecursionError of a nest of 10,000, a header that the library trips over: a person looks
        found.text, found.automatic = "", found.automatic
    return found


def parse_all(mails: list[tuple[bytes, tuple[str, ...], bool]]) -> list[Parsed]:
    """`parse` of each, with its arguments: one way to another process and back for all of them."""
    return [parse(*mail) for mail in mails]


def _read_headers(mail: Message, found: Parsed) -> None:
    senders = [address for _, address in getaddresses([str(value) for value in mail.get_all("From", [])]) if address]
    found.senders = len(senders)
    if senders and "@" in senders[0]:
        found.sender = senders[0].strip().lower()[:320]
    for name in RECIPIENT_HEADERS:
        values = [str(value) for value in mail.get_all(name, [])]
        found.recipients += [address.lower() for _, address in getaddresses(values) if "@" in address]
    ids = IDS.findall(str(mail.get("Message-ID", "")))
    found.message_id = ids[0] if ids else None
    answered = [*IDS.findall(str(mail.get("In-Reply-To", ""))), *reversed(IDS.findall(str(mail.get("References", ""))))]
    found.references = list(dict.fromkeys(answered))[:REFERENCES]
    found.subject = decoded(str(mail.get("Subject", "")))[:900]
    found.results = [str(value) for value in mail.get_all("Authentication-Results", [])]


def _automatic(mail: Message, found: Parsed, own_domains: tuple[str, ...], null_sender: bool) -> str | None:
    if null_sender or str(mail.get("Return-Path", "")).strip() == "<>":
        return "null_return_path"
    submitted = str(mail.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    if submitted and submitted != "no":
        return "auto_submitted"
    if str(mail.get("Precedence", "")).strip().lower() in BULK:
        return "precedence"
    if any(mail.get(name) is not None for name in MACHINE_HEADERS):
        return "responder_header"
    if mail.get("List-Id") is not None or mail.get("List-Unsubscribe") is not None:
        return "mailing_list"
    if mail.get_content_type() == "multipart/report":
        return "report"
    if found.message_id and found.message_id.rstrip(">").rpartition("@")[2].lower() in own_domains:
        return "own_mail"
    if found.sender.rpartition("@")[2] in own_domains:
        return "own_address"
    if MACHINES.match(found.sender):
        return "no_reply_address"
    return "absence_subject" if ABSENT.match(found.subject) else None


def _bounce(mail: Message, own_domains: tuple[str, ...]) -> dict[str, Any] | None:
    """RFC 3464, and the reports of old servers that only quote the mail."""
    report = mail.get_content_type() == "multipart/report"
    daemon = MACHINES.match(parseaddr(str(mail.get("From", "")))[1] or "")
    if not report and not daemon:
        return None
    parts = list(_walk(mail))
    text = "\n".join(_payload(part)[:20_000] for part in parts if not part.is_multipart())
    status, action = None, ""
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            for block in part.walk():
                status = status or str(block.get("Status", "")).split(" ")[0] or None
                action = action or str(block.get("Action", "")).strip().lower()
    if report and action in ("delayed", "delivered", "relayed", "expanded"):
        return None
    named = [*_original_ids(parts), *IDS.findall(text)]
    ours = [id for id in dict.fromkeys(named) if id.rstrip(">").rpartition("@")[2].lower() in own_domains]
    if not ours:
        return None
    guessed = FAILED.search(text)
    status = status if status and FAILED.fullmatch(status) else (guessed[1] if guessed else "5.0.0")
    return {"message_ids": ours[:20], "status": status}


def _original_ids(parts: list[Message]) -> list[str]:
    return [id for part in parts[1:] for id in IDS.findall(str(part.get("Message-ID", "")))]


def _read_body(mail: Message, found: Parsed) -> None:
    plain, html = "", ""
    for part in _walk(mail):
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), part.get_filename()
        kind = "text/plain" if kind.startswith("multipart/") else kind  # its boundary never came
        inline = part.get_content_disposition() != "attachment" and not name
        if inline and kind == "text/plain" and not plain:
            plain = _payload(part)
        elif inline and kind == "text/html" and not html:
            html = _payload(part)
        elif kind not in ("text/plain", "text/html") or not inline:
            _attach(part, kind, name, found)
    text = what_was_written(plain) if plain.strip() else what_was_written(text_of(html))
    found.text = without_aliases(text)


def _walk(mail: Message) -> Any:
    """Depth first, bounded; what is inside a forwarded mail is that mail's, except for reports."""
    waiting, seen = [mail], 0
    report = mail.get_content_type() == "multipart/report"
    while waiting and seen < PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        payload = part.get_payload()
        if isinstance(payload, list) and (part.get_content_maintype() != "message" or report):
            waiting = [each for each in payload if isinstance(each, Message)] + waiting


def _payload(part: Message) -> str:
    try:
        data = part.get_payload(decode=True)
    except Exception:
        data = None
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        text = data.decode(charset, errors="replace")
    except LookupError:
        text = data.decode("latin-1")
    return text.replace("\x00", "")


def _attach(part: Message, kind: str, name: str | None, found: Parsed) -> None:
    payload = part.get_payload(decode=True) if not part.is_multipart() else b""
    content = payload if isinstance(payload, bytes) else b""
    shown = re.sub(r"[\x00-\x1f\x7f/\\]", "_", decoded(name or "attachment"))[-200:]
    found.attachments.append({"name": shown, "media_type": kind[:127], "size": len(content)})
    found.contents.append(content if len(content) <= LARGEST else b"")


def decoded(header: str) -> str:
    """`=?utf-8?q?Re=3A_Lampe?=` → `Re: Lampe`, on one line."""
    try:
        parts = [
            part.decode(charset or "utf-8", errors="replace") if isinstance(part, bytes) else part
            for part, charset in decode_header(header)
        ]
        text = "".join(parts)
    except Exception:
        text = header
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
