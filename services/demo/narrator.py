"""Tells the story in plain language, on any terminal."""

from __future__ import annotations

from typing import TextIO


class Narrator:
    """Numbered steps, and below each what happened and who was written to."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._steps = out, 0

    def step(self, title: str) -> None:
        self._steps += 1
        self._say(f"\n{self._steps}. {title}")

    def detail(self, line: str) -> None:
        self._say(f"   {line}")

    def mail(self, address: str, subject: str) -> None:
        self._say(f"   mail to {address}: {subject}")

    def heading(self, title: str) -> None:
        self._say(f"\n{title}")

    def promise(self, kept: bool, text: str) -> None:
        self._say(f"   {'ok    ' if kept else 'BROKEN'}  {text}")

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)
