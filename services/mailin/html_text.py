"""The text of an HTML mail, for mails that carry no text part. What mail programs mark as a quote is left out."""

from __future__ import annotations

from html.parser import HTMLParser

BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "ul", "ol", "table", "hr", "pre"})
SILENT = frozenset({"script", "style", "head", "title", "template"})
VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "source"})
QUOTES = ("gmail_quote", "gmail_extra", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote", "OutlookMessageHeader")
QUOTE_IDS = ("divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container", "isForwardContent")
DEPTH = 200


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._stack: list[tuple[str, bool]] = []  # tag, and whether what is in it is left out
        self.ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id") in QUOTE_IDS and not self.ended:
            self.ended = True  # Outlook: all that follows is the old mail
        if tag in BLOCKS:
            self.parts.append("\n")
        if tag not in VOID and len(self._stack) < DEPTH:
            classes = (given.get("class") or "").split()
            quote = tag == "blockquote" or any(name in QUOTES for name in classes)
            self._stack.append((tag, self._hidden or tag in SILENT or quote))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n")
        for at in range(len(self._stack) - 1, max(-1, len(self._stack) - 20), -1):
            if self._stack[at][0] == tag:
                del self._stack[at:]
                return

    def handle_data(self, data: str) -> None:
        if not (self._hidden or self.ended):
            self.parts.append(data.replace("\n", " ") if "\n" in data else data)

    @property
    def _hidden(self) -> bool:
        return bool(self._stack) and self._stack[-1][1]


def text_of(html: str, most: int = 200_000) -> str:
    reader = _Reader()
    reader.feed(html[:most])
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return "\n".join(lines).strip()
