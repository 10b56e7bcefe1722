"""From the spool to the services: read, judge, hand on. Reading is done in worker processes, so that no mail can hold
the server up, however it was made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter

from services.mailin.authenticity import Judge
from services.mailin.desk import Desk, NoAnswer
from services.mailin.parsing import ALIAS, Parsed, parse_all
from services.mailin.spool import Spool, Spooled
from shared.contracts.attachments import LARGEST, incoming
from shared.contracts.mail import BOUNCES
from shared.storage.blobs import Blobs

log = logging.getLogger(__name__)
HANDS = 4  # groups of mails under way
COMPANY = 0.02  # seconds that mails wait for others, to be read and handed on together
LONGEST_READ = 10.0  # seconds for one mail, or some
TOGETHER, LIGHT = 8, 500_000  # mails that are read and handed on in one go when many wait, and their bytes
PATIENT = 10  # times
PAUSE = 2.0  # after a service did not answer
HANDED = Counter("aftersale_mails_handed_on", "Mails from outside, by what became of them", ["state"])


class Forwarder:
    """readers: an executor of processes, or of threads in tests."""

    def __init__(
        self,
        spool: Spool,
        desk: Desk,
        judge: Judge,
        blobs: Blobs,
        relay: str,
        own_domains: tuple[str, ...],
        readers: Executor,
    ) -> None:
        self._spool, self._desk, self._judge, self._blobs = spool, desk, judge, blobs
        self._relay, self._own, self._readers = relay.lower(), own_domains, readers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)
        self._slow: dict[str, int] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._spool.arrived.set()
        self._thread.join(15)

    def _run(self) -> None:
        with ThreadPoolExecutor(HANDS, thread_name_prefix="hand") as hands:
            while not self._stopping.is_set():
                self._spool.arrived.clear()
                names = list(self._spool.waiting())
                groups = [names[n : n + TOGETHER] for n in range(0, len(names), TOGETHER)]
                done = list(hands.map(self._forward_all, groups))
                if not all(done):
                    self._stopping.wait(PAUSE)
                elif not names:
                    self._spool.arrived.wait(5)
                    self._spool.forget(self.now().date())
                self._stopping.wait(COMPANY)

    def _forward_all(self, names: list[str]) -> bool:
        """Read and handed on together, which saves most of the way to the readers and the service and back; what does
        not go well like this goes by itself."""
        ready: list[tuple[Spooled, Parsed] | None] = [None] * len(names)
        if len(names) > 1 and sum(self._spool.size(name) for name in names) <= LIGHT:
            with suppress(Exception):  # one of them is to blame
                mails = [self._spool.read(name) for name in names]
                found = self._readers.submit(parse_all, [self._to_read(mail) for mail in mails]).result(LONGEST_READ)
                ready = list(zip(mails, found, strict=True))
        try:
            handed = self._hand_on_together([each for each in ready if each])
        except NoAnswer as later:
            log.warning("%d mails wait: %s", len(names), later)
            return False
        done = [name in handed or self.forward(name, mail) for name, mail in zip(names, ready, strict=True)]
        return all(done)

    def _hand_on_together(self, ready: list[tuple[Spooled, Parsed]]) -> set[str]:
        """Mails as most are: to one address that is known, without files. The names of those that are done."""
        plain: list[tuple[str, str, dict[str, Any]]] = []
        for mail, parsed in ready:
            with suppress(Exception):  # it learns by itself what is wrong with it
                recipients = [] if parsed.bounce or parsed.attachments else self._recipients(mail, parsed)
                if len(recipients) == 1 and (tenant := self._desk.owner(recipients[0])):
                    args = _args(mail, parsed, recipients[0], self._is_authentic(mail, parsed))
                    plain.append((mail.name, tenant, args))
        answers = self._desk.receive_all([(tenant, args) for _, tenant, args in plain]) if plain else []
        done = {name: answer["state"] for (name, _, _), answer in zip(plain, answers, strict=True) if answer}
        for name, state in done.items():
            HANDED.labels(state).inc()
            self._spool.keep(name, self.now().date())
        return set(done)

    def _to_read(self, mail: Spooled) -> tuple[bytes, tuple[str, ...], bool]:
        return mail.raw, self._own, mail.envelope.via == "smtp" and not mail.envelope.mail_from

    def forward(self, name: str, ready: tuple[Spooled, Parsed] | None = None) -> bool:
        """Hand one mail on. False: later. What can never be handed on is put aside. ready: the mail, already read."""
        try:
            if ready is None:
                mail = self._spool.read(name)
                [parsed] = self._readers.submit(parse_all, [self._to_read(mail)]).result(LONGEST_READ)
            else:
                mail, parsed = ready
            self._hand_on(mail, parsed)
        except NoAnswer as later:
            log.warning("mail %s waits: %s", name, later)
            return False
        except TimeoutError:
            # a machine that is too busy looks like a mail that cannot be read: only time tells them apart
            self._slow[name] = self._slow.get(name, 0) + 1
            if self._slow[name] < PATIENT:
                return False
            log.error("mail %s could not be read in time", name)
            HANDED.labels("failed").inc()
            self._spool.fail(name)
            return True
        except Exception as failed:
            log.error("mail %s could not be handed on: %s: %s", name, type(failed).__name__, str(failed)[:200])
            HANDED.labels("failed").inc()
            self._spool.fail(name)
            return True
        self._spool.keep(name, self.now().date())
        return True

    def _hand_on(self, mail: Spooled, parsed: Parsed) -> None:
        if parsed.bounce:
            self._desk.bounced(parsed.bounce)
            HANDED.labels("bounce").inc()
            return  # a report is never a message (5.4)
        wanted = self._recipients(mail, parsed)
        if not wanted:
            HANDED.labels("for_nobody").inc()
            return
        judged: bool | None = None
        for recipient, tenant in self._desk.tenants(wanted, parsed.references).items():
            if tenant is None:
                HANDED.labels("unknown").inc()
                continue
            if judged is None:
                judged = self._is_authentic(mail, parsed)
            answer = self._desk.receive(tenant, _args(mail, parsed, recipient, judged))
            for file in answer["files"]:
                self._store(tenant, file["attachment_id"], parsed.contents[file["number"]])
            HANDED.labels(answer["state"]).inc()

    def _is_authentic(self, mail: Spooled, parsed: Parsed) -> bool:
        return (
            parsed.senders == 1
            and not parsed.automatic
            and self._judge.is_authentic(mail.raw, parsed.sender, parsed.results, mail.envelope)
        )

    def _store(self, tenant: str, attachment_id: str, content: bytes) -> None:
        """As the gateway stores an upload. Raises NoAnswer while the store takes nothing: the mail comes again then."""
        try:
            size, sha256 = self._blobs.write(incoming(tenant, attachment_id), [content], LARGEST)
        except Exception as full:
            raise NoAnswer(f"no file can be stored: {type(full).__name__}") from full
        self._desk.stored(tenant, {"attachment_id": attachment_id, "size": size, "sha256": sha256})

    def _recipients(self, mail: Spooled, parsed: Parsed) -> list[str]:
        """The envelope's; a mailbox knows the headers only. Without an alias, one that stands for what it answers."""
        named = mail.recipients or [each for each in parsed.recipients if each.endswith(f"@{self._relay}")]
        named = [each.lower() for each in dict.fromkeys(named) if not each.lower().startswith(f"{BOUNCES}@")]
        aliases = [each for each in named if ALIAS.match(each)]
        return aliases or ([f"reply@{self._relay}"] if parsed.references and (named or not mail.recipients) else [])


def _args(mail: Spooled, parsed: Parsed, recipient: str, authentic: bool) -> dict[str, Any]:
    return {
        "recipient": recipient[:320],
        "sender": parsed.sender,
        "message_id": parsed.message_id,
        "content_hash": parsed.content_hash,
        "references": parsed.references,
        "subject": parsed.subject,
        "automatic": parsed.automatic,
        "authentic": authentic,
        "size": len(mail.raw),
        "text": parsed.text[:20_000],
        "attachments": parsed.attachments[:50],
        "raw": mail.name,
    }
