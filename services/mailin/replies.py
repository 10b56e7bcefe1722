"""What somebody wrote, without what his mail program quoted below it. Runs in a worker process, on bounded input.

Our own marker first, then the header blocks of Outlook and its kin, then quotequail, which knows the rest.
"""

from __future__ import annotations

import re

from shared.contracts.mail import MARKERS

MOST_LINES = 200  # of which a quote is looked for: quotequail takes quadratic time (90 kB of hostile text: 41 s)
MOST_LETTERS = 160  # of a line, for the same reason
LONGEST = 200_000  # characters that are looked at at all; a message holds 10,000
ALIAS = re.compile(r"<?(?:mailto:)?\bc\.[a-z0-9]{18}@[a-z0-9.-]{1,190}>?", re.IGNORECASE)

_MARKER = re.compile(
    "|".join(re.escape(" ".join(text.strip("- ").split())) for text in MARKERS.values()), re.IGNORECASE
)
_SENDER = re.compile(r"^[>\s*_]*(?:from|de|von|da|van)\s*\*?\s*:", re.IGNORECASE)
_SENT = re.compile(
    r"^[>\s*_]*(?:sent|date|envoyé|envoye|gesendet|datum|subject|objet|betreff|to|à|a|an|cc)\s*\*?\s*:", re.IGNORECASE
)
_ORIGINAL = re.compile(
    r"^[>\s]*-{3,}\s*(?:original message|message d'origine|message d’origine|message original|message transféré"
    r"|ursprüngliche nachricht|originalnachricht|forwarded message|weitergeleitete nachricht)\s*-{3,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*_{10,}\s*$")
_INTRO_START = re.compile(r"^[>\s]*(?:on|le|am|el|il|op|em|den)\b.{4,150}", re.IGNORECASE)
_INTRO_END = re.compile(
    r"(?:wrote|a écrit|a ecrit|schrieb(?:en)?(?: .{1,80})?|escribió|ha scritto|geschreven)\s*:?\s*$", re.IGNORECASE
)
_PHONE = re.compile(
    r"^\s*(?:sent from my |get outlook for |envoyé de(?:puis)? mon |envoyé à partir d|obtenez outlook pour "
    r"|télécharger outlook pour |von meinem .{1,40}gesendet|gesendet von |holen sie sich outlook)",
    re.IGNORECASE,
)


def what_was_written(text: str) -> str:
    """The new part of a reply; the whole text where nothing in it is a quote."""
    lines = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n")
    at = _quote_starts(lines)
    if at is None:
        return _cleaned(lines)
    above = _cleaned(lines[:at])
    below = _answers_below(lines[at:])
    return "\n\n".join(part for part in (above, below) if part)


def without_aliases(text: str) -> str:
    """An alias is its holder's key: it must not reach the others on the thread with his text (T28)."""
    return ALIAS.sub("[…]", text)


def _quote_starts(lines: list[str]) -> int | None:
    """The first line that is not the writer's own: of the marker, a header block or an introduction (`On … wrote:`)."""
    marker = next((n for n, line in enumerate(lines) if _is_marker(line)), None)
    head = [line[:MOST_LETTERS] for line in lines[: MOST_LINES if marker is None else min(marker, MOST_LINES)]]
    found = [n for n in (_block_starts(head), _introduced(head), _library(head), marker) if n is not None]
    return min(found) if found else None


def _is_marker(line: str) -> bool:
    return bool(_MARKER.search(" ".join(line[:MOST_LETTERS].replace("*", "").split())))


def _block_starts(lines: list[str]) -> int | None:
    """`From: … Sent: …` in three languages, a rule above it, `-----Original Message-----`."""
    for n, line in enumerate(lines):
        if _ORIGINAL.match(line):
            return n
        if _RULE.match(line) and any(_SENDER.match(next_) for next_ in lines[n + 1 : n + 3]):
            return n
        if _SENDER.match(line) and sum(bool(_SENT.match(next_)) for next_ in lines[n + 1 : n + 6]) >= 2:
            return n
    return None


def _introduced(lines: list[str]) -> int | None:
    """`Le mar. 3 nov. 2026 à 10:12, Maison <…> a écrit :`, broken over up to four lines."""
    for n, line in enumerate(lines):
        if not _INTRO_START.match(line):
            continue
        for more in range(1, 5):
            parts = [part.strip(" >") for part in lines[n : n + more]]
            if not all(parts):
                break  # an introduction has no empty line in it
            joined = " ".join(parts)
            if _INTRO_END.search(joined[-160:]) and re.search(r"\d|@", joined):
                return n
    return None


def _library(lines: list[str]) -> int | None:
    from quotequail import quote

    parts = quote("\n".join(lines), limit=MOST_LINES + 1, quote_intro_line=True)
    if len(parts) < 2:
        return None
    above = parts[0][1]
    return above.count("\n") + 1 if above else 0


def _answers_below(lines: list[str]) -> str:
    """Answers between or below quoted lines: whole paragraphs without a `>`, where the quote is marked by it."""
    quoted = [line.lstrip().startswith(">") for line in lines]
    if sum(quoted) < 2:
        return ""
    first, kept, after_blank = quoted.index(True), [], False
    for line, is_quoted in list(zip(lines, quoted, strict=True))[first:]:
        if is_quoted:
            after_blank = False
        elif not line.strip():
            after_blank = True
            kept.append("")
        elif after_blank or (kept and kept[-1]):
            kept.append(line)
        if is_quoted and kept and kept[-1]:
            kept.append("")
    text = "\n".join(kept)
    return _cleaned(text.split("\n"))


def _cleaned(lines: list[str]) -> str:
    """Without signature, phone advertisement, and blank ends."""
    kept: list[str] = []
    for line in lines:
        if line in ("-- ", "--") or _PHONE.match(line[:MOST_LETTERS]):
            break
        kept.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
