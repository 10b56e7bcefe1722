"""What a claim is found by: the beginnings of words, without accents, capitals or punctuation.

`Lampe cassée` is found by `lampe`, `CASSEE`, `cass`; order `ord-1001` by `ord-1001`, `ORD 1001`, `1001`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_PIECE = re.compile(r"[^\W_]+")
MOST = 8  # words of one search: more narrow nothing down
LONGEST = 100  # characters of a word


def words_of(*texts: str | None) -> str:
    """The words of these texts, each once, with a space before and after each, as a search looks for them."""
    found = dict.fromkeys(word for text in texts if text for word in _words(text))
    return f" {' '.join(found)} " if found else " "


def sought(text: str) -> list[str]:
    """The words that somebody looks for; empty where the text has neither letter nor digit."""
    return [word for chunk in _folded(text).split() if (word := _joined(_PIECE.findall(chunk)))][:MOST]


def _words(text: str) -> Iterator[str]:
    """Each word whole, so that `ord-1001` is found as it is written, and by its pieces."""
    for chunk in _folded(text).split():
        pieces = _PIECE.findall(chunk)
        if len(pieces) > 1:
            yield _joined(pieces)
        yield from (piece[:LONGEST] for piece in pieces)


def _joined(pieces: list[str]) -> str:
    return "".join(pieces)[:LONGEST]


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))
