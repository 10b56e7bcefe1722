"""Does a public text repeat a private comment? (N3) Words are compared: case, accents and punctuation hide nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

IN_A_ROW = 8  # words that nobody writes by chance in the same order

WORD = re.compile(r"\w+")


def words(text: str) -> list[tuple[str, int, int]]:
    """Each word as it is compared, with where it stands in `text`."""
    return [(_plain(found.group()), found.start(), found.end()) for found in WORD.finditer(text)]


def first_quote(public: str, private: Iterable[tuple[str, str]]) -> tuple[str, int, int] | None:
    """The first place where `public` repeats eight words in a row: (id of the comment, start, end in `public`).

    private: (id, text) of each private comment of the thread.
    """
    found = words(public)
    places: dict[tuple[str, ...], int] = {}
    for index in range(len(found) - IN_A_ROW, -1, -1):
        places[tuple(word for word, _, _ in found[index : index + IN_A_ROW])] = index
    if not places:
        return None
    hits = []
    for id, text in private:
        plain = [word for word, _, _ in words(text)]
        runs = {tuple(plain[index : index + IN_A_ROW]) for index in range(len(plain) - IN_A_ROW + 1)}
        hits += [(places[run], id) for run in runs & places.keys()]
    if not hits:
        return None
    index, id = min(hits)
    return id, found[index][1], found[index + IN_A_ROW - 1][2]


def _plain(word: str) -> str:
    """Without case and accents: `Déjà` is `deja`."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
