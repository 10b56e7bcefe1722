"""A file beside a message. What people read of it is their own message's business; its bytes lie elsewhere."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.messaging.model import Who
from shared.contracts import attachments as contract
from shared.contracts.attachments import LARGEST_MESSAGE, MOST_PER_THREAD, TYPES
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState, Refusal

EXPECTED, PENDING, CLEAN, INFECTED, REFUSED, ERASED = "expected", "pending", "clean", "infected", "refused", "erased"
COUNTED = (EXPECTED, PENDING, CLEAN)


class FileTypeRefused(Refusal):
    """Files that end in .{ending} are not taken: send {allowed}."""

    code, status, rule = "FILE_TYPE_REFUSED", 422, "T29"


class ThreadHoldsEnoughFiles(Refusal):
    """A thread holds at most {most} files."""

    code, rule = "TOO_MANY_FILES", "5.4"


class MessageTooHeavy(Refusal):
    """The files of one message weigh at most {most} bytes together: send two messages."""

    code, status, rule = "FILES_TOO_LARGE", 422, "5.4"


class FileNotUsable(Refusal):
    """The file {attachment_id} is {state}: send it again as another one, or leave it out."""

    code, rule = "FILE_NOT_USABLE", "5.4"


@dataclass(kw_only=True)
class Attachment(Aggregate):
    """expected → pending → clean | infected | refused; erased at the end. type: by its content, none before.

    message_id: none until it is posted; until then it is its uploader's alone. size in bytes, as it is kept.
    mail_id: of the mail that brought it, which is posted with it, whatever became of it; None: it was uploaded.
    """

    stream = "attachment"

    thread_id: str | None
    message_id: str | None
    author_type: str
    author_id: str
    name: str
    size: int
    created_at: datetime
    state: str = EXPECTED
    type: str | None = None
    sha256: str | None = None
    reason: str | None = None
    mail_id: str | None = None

    @property
    def author(self) -> Who:
        return self.author_type, self.author_id

    @property
    def incoming(self) -> str:
        return contract.incoming(self.tenant, self.id)

    @property
    def kept(self) -> str:
        return contract.kept(self.tenant, self.id)

    def offer(self) -> None:
        self._say("offered")

    def receive(self, size: int, sha256: str) -> None:
        """Its bytes are here; nobody sees them before they are inspected. Raises NotInThisState."""
        self._need(EXPECTED, action="be sent again")
        self.state, self.size, self.sha256 = PENDING, size, sha256
        self._say("received")

    def inspected(self, state: str, reason: str | None, type: str | None, size: int | None, sha256: str | None) -> None:
        self._need(PENDING, action="be inspected")
        self.state, self.reason, self.type = state, reason, type
        if state == CLEAN:
            self.size, self.sha256 = size or 0, sha256
        self._say("inspected")

    def attach(self, message_id: str) -> None:
        """Raises FileNotUsable."""
        usable = self.state in (PENDING, CLEAN) or self.mail_id is not None
        if not usable or self.message_id is not None:
            state = self.state if self.message_id is None else "attached to another message"
            raise FileNotUsable(attachment_id=self.id, state=state)
        self.message_id = message_id

    def erase(self) -> None:
        if self.state == ERASED:
            raise NotInThisState(kind="file", state=ERASED, action="be removed")
        self.state, self.name, self.reason = ERASED, "", None
        self._say("erased")

    def _need(self, state: str, action: str) -> None:
        if self.state != state:
            raise NotInThisState(kind="file", state=self.state, action=action)

    def _say(self, what: str) -> None:
        facts = {"attachment_id": self.id, "thread_id": self.thread_id, "state": self.state, "reason": self.reason}
        self.record(f"attachment.{what}", **facts)


def safe_name(name: str) -> str:
    """The last part of a path, in one line, without characters that turn text around or mean something to a shell."""
    name = unicodedata.normalize("NFC", re.split(r"[\\/]", name)[-1])
    shown = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*;')
    shown = re.sub(r"\s+", " ", shown).strip(" .")
    return shown[-120:] if shown.strip(".") else "file"


def need_type(name: str) -> str:
    """The ending of a name that may be attached. Raises FileTypeRefused."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in TYPES:
        raise FileTypeRefused(ending=ending[:20], allowed=", ".join(TYPES))
    return ending


def need_room(count: int) -> None:
    """Raises ThreadHoldsEnoughFiles."""
    if count >= MOST_PER_THREAD:
        raise ThreadHoldsEnoughFiles(most=MOST_PER_THREAD)


def need_light(sizes: list[int]) -> None:
    """Raises MessageTooHeavy."""
    if sum(sizes) > LARGEST_MESSAGE:
        raise MessageTooHeavy(most=LARGEST_MESSAGE)
