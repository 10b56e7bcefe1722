"""Does the mail come from the domain its From names? Our own DKIM and SPF, or the word of a server we trust (T25).

A pass counts only where it is aligned: for the domain of the From address itself. Whoever writes
`Authentication-Results` in front of our own servers is not believed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

log = logging.getLogger(__name__)
SIGNATURES = 3
TIMEOUT = 5
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\b(dkim|spf|dmarc)\s*=\s*([a-z]+)([^;]*)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?:header\.d|header\.i|header\.from|smtp\.mailfrom|smtp\.helo)\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE
)


@dataclass(frozen=True)
class Envelope:
    """How a mail came. via: smtp | imap | hook. peer: the address that handed it over, where that is known."""

    mail_from: str = ""
    peer: str = ""
    helo: str = ""
    via: str = "smtp"


class Judge:
    """authserv: whose Authentication-Results are believed, when they come by way of `relays` or of our mailbox."""

    def __init__(self, authserv: str = "", relays: str = "", dns: Callable[..., Any] | None = None) -> None:
        self._authserv = authserv.strip().lower()
        self._relays = [ip_network(each.strip(), strict=False) for each in relays.split(",") if each.strip()]
        self._dns = dns

    def is_authentic(self, raw: bytes, sender: str, results: Sequence[str], envelope: Envelope) -> bool:
        """Is it proved that the domain of `sender` sent this?"""
        domain = sender.rpartition("@")[2].lower()
        if not domain or domain == "invalid":
            return False
        told = self._told(results, envelope)
        if told is not None:
            return _passed(told, domain)
        if self._trusted(envelope) and self._authserv:
            return False  # the server that always says something said nothing
        return self._dkim(raw, domain) or self._spf(domain, envelope)

    def _told(self, results: Sequence[str], envelope: Envelope) -> str | None:
        """The topmost verdict of our own server; one that the sender wrote himself is below it, or not believed."""
        if not self._authserv or not self._trusted(envelope) or not results:
            return None
        first = _COMMENT.sub(" ", results[0])
        identity = first.partition(";")[0].split()
        return first if identity and identity[0].lower() == self._authserv else None

    def _trusted(self, envelope: Envelope) -> bool:
        if envelope.via != "smtp":
            return True
        try:
            peer = ip_address(envelope.peer)
        except ValueError:
            return False
        return any(peer in network for network in self._relays)

    def _dkim(self, raw: bytes, domain: str) -> bool:
        import dkim

        if b"dkim-signature" not in raw[:200_000].lower():
            return False
        options = {"dnsfunc": self._dns} if self._dns else {}
        for index in range(SIGNATURES):
            try:
                verifier = dkim.DKIM(raw, timeout=TIMEOUT)
                passed = verifier.verify(idx=index, **options)
                fields = verifier.signature_fields
                # l= leaves the end of the mail unsigned: anybody could have added it
                if passed and b"l" not in fields and aligned(fields[b"d"].decode().lower(), domain):
                    return True
            except IndexError:
                return False
            except Exception as wrong:
                log.debug("a DKIM signature could not be verified: %s", type(wrong).__name__)
        return False

    def _spf(self, domain: str, envelope: Envelope) -> bool:
        if envelope.via != "smtp" or not envelope.peer or "@" not in envelope.mail_from:
            return False
        if not aligned(envelope.mail_from.rpartition("@")[2].lower(), domain):
            return False
        try:
            import spf

            return spf.check2(envelope.peer, envelope.mail_from, envelope.helo or domain, timeout=TIMEOUT)[0] == "pass"
        except Exception as wrong:
            log.debug("SPF could not be asked: %s", type(wrong).__name__)
            return False


def _passed(told: str, domain: str) -> bool:
    for method, result, more in _RESULT.findall(told):
        if result.lower() != "pass":
            continue
        named = [name.rpartition("@")[2].lower().strip("<>.") for name in _DOMAIN.findall(more)]
        if any(aligned(name, domain) for name in named if method):
            return True
    return False


def aligned(proved: str, domain: str) -> bool:
    """Relaxed, as DMARC: the same domain, or one below the other; never a bare top-level domain."""
    if "." not in proved:
        return False
    return proved == domain or domain.endswith(f".{proved}") or proved.endswith(f".{domain}")
