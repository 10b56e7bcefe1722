"""Mail into a folder, one .eml file each: the embedded default, where there is no mail server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

_NAME = re.compile(r"^ntf_[A-Za-z0-9_]{1,60}$")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the folder. name: what `read_mail` takes."""

    name: str
    at: datetime
    to: str
    subject: str


class FolderTransport:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, mail: EmailMessage, sender: str, recipient: str) -> str:
        """Write the file under the notification's id: a repeat after a crash replaces it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = str(mail["Message-ID"]).strip("<>").partition("@")[0].rpartition(".")[2]
        half = self.folder / f"{name}.part"
        half.write_bytes(mail.as_bytes())
        os.replace(half, self.folder / f"{name}.eml")
        return str(mail["Message-ID"])


def list_mails(folder: Path, limit: int = 50) -> list[StoredMail]:
    """The newest mails first."""
    found = sorted(folder.glob("ntf_*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)[:limit]
    return [_stored(path) for path in found]


def read_mail(folder: Path, name: str) -> EmailMessage:
    """The mail of this name. KeyError when there is none."""
    path = folder / f"{name}.eml"
    if not _NAME.match(name) or not path.exists():
        raise KeyError(name)
    return cast(EmailMessage, message_from_bytes(path.read_bytes(), policy=policy.default))


def _stored(path: Path) -> StoredMail:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return StoredMail(path.stem, written, str(mail["To"]), str(mail["Subject"]))
