"""The printing process: papers in, PDF/A-3 out, over one socket. It alone loads WeasyPrint and factur-x (90 MB).

`python -m shared.documents.press FD`: each message is 4 bytes of length and JSON; each answer is 4 bytes of length, one
byte (P a PDF, E an error) and the PDF or a code. It ends when the other side closes, or after IDLE seconds of nothing.
"""

from __future__ import annotations

import json
import logging
import socket
import struct
import sys
from typing import Any

from shared.documents.page import page_of
from shared.documents.paper import Paper

IDLE = 300.0  # seconds
LENGTH = struct.Struct(">I")
NO_PANGO, FAILED = b"NO_PANGO", b"FAILED"
PDF, ERROR = b"P", b"E"
log = logging.getLogger(__name__)


class PangoMissing(RuntimeError):
    """The libraries that set text are not installed on this machine."""


def pdf_of(paper: Paper) -> bytes:
    """PDF/A-3b with the Factur-X XML inside; without XML where EN 16931 cannot say it. Raises PangoMissing."""
    try:
        from weasyprint import HTML
    except OSError as missing:
        raise PangoMissing(str(missing)) from None
    plain = HTML(string=page_of(paper), url_fetcher=_nothing).write_pdf(
        pdf_variant="pdf/a-3b", pdf_identifier=paper.number.encode(), uncompressed_pdf=False
    )
    if not paper.is_electronic:
        return plain
    from facturx import generate_from_binary

    from shared.documents.electronic import LEVEL, xml_of

    title = f"{paper.kind.replace('_', ' ').capitalize()} {paper.number}"
    metadata = {
        "author": paper.seller["legal_name"],
        "keywords": "Factur-X, EN 16931",
        "title": title,
        "subject": f"{title}, {paper.issued_on}",
    }
    return generate_from_binary(
        plain,
        xml_of(paper),
        flavor="factur-x",
        level=LEVEL,
        check_xsd=False,  # held against it when it was made
        pdf_metadata=metadata,
        lang=paper.locale,
        afrelationship="alternative",
    )


def _nothing(url: str, *_: Any, **__: Any) -> dict[str, Any]:
    """A page loads nothing: whatever a name or title contains, no address is ever asked for (T32)."""
    raise ValueError(f"documents load nothing: {url[:100]}")


def answer(raw: bytes) -> bytes:
    """One message, answered; no error ends the process."""
    try:
        return PDF + pdf_of(Paper.of(json.loads(raw)))
    except PangoMissing:
        return ERROR + NO_PANGO
    except Exception:
        log.exception("a document could not be printed")
        return ERROR + FAILED


def received(line: socket.socket) -> bytes | None:
    """The next message; None when the other side closed."""
    head = _exactly(line, LENGTH.size)
    return None if head is None else _exactly(line, LENGTH.unpack(head)[0])


def send(line: socket.socket, content: bytes) -> None:
    line.sendall(LENGTH.pack(len(content)) + content)


def _exactly(line: socket.socket, size: int) -> bytes | None:
    parts = []
    while size:
        part = line.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def main(fd: int) -> int:
    """Print until nobody wants anything any more."""
    for noisy in ("fontTools", "weasyprint", "factur-x"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with socket.socket(fileno=fd) as line:
        line.settimeout(IDLE)
        try:
            while (raw := received(line)) is not None:
                send(line, answer(raw))
        except (TimeoutError, ConnectionError):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
