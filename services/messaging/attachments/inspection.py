"""Is a file what its name says, and is there nothing in it that could run or tell where it was taken? (T29)

python -m services.messaging.attachments.inspection RAW CLEAN ENDING, with little memory and time, says {"type"} or
{"reason"}.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shared.contracts.attachments import TYPES

MEMORY = 1024 * 1024 * 1024
SECONDS = 15
MOST_PIXELS = 40_000_000  # of one picture, before anything of it is decoded
MOST_PIXELS_MOVING = 120_000_000  # of all frames together
MOST_FRAMES = 300
MOST_ENTRIES, MOST_UNPACKED, MOST_RATIO = 2_000, 100 * 1024 * 1024, 200  # of a zip container
PICTURES = {
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "gif": "GIF",
    "webp": "WEBP",
    "bmp": "BMP",
    "tif": "TIFF",
    "tiff": "TIFF",
}
MARKUP = (b"<!doctype", b"<html", b"<svg", b"<script", b"<?xml", b"<body", b"<iframe", b"<?php")
RUNNABLE = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa", b"dex\n", b"!<arch>")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Refused(Exception):
    """With the reason as a code."""


def inspect(raw: Path, clean: Path, ending: str) -> str:
    """The type by content; the cleaned file is at `clean`. Raises Refused."""
    if ending in PICTURES:
        _picture(raw, clean, PICTURES[ending])
    else:
        _no_stranger(raw, ending)
        CHECKS[ending](raw)
        shutil.copyfile(raw, clean)
        if ending in ("mp4", "mov"):
            _forget_places(clean)
    return TYPES[ending]


def _no_stranger(raw: Path, ending: str) -> None:
    """Whatever puremagic knows for certain must not be something that runs or that is another kind."""
    import puremagic

    with raw.open("rb") as file:
        head = file.read(4096)
    if head.startswith(RUNNABLE):
        raise Refused("RUNNABLE")
    try:
        found = puremagic.magic_string(head, filename=f"x.{ending}")
    except puremagic.PureError:
        return
    certain = {match.extension.lstrip(".") for match in found if match.confidence >= 0.8 and match.byte_match}
    if certain and certain & {"exe", "dll", "elf", "class", "msi", "swf", "jar", "apk"} and ending not in certain:
        raise Refused("RUNNABLE")


# pictures


def _picture(raw: Path, clean: Path, expected: str) -> None:
    """Written anew from its pixels: no EXIF, no comment, nothing behind its end."""
    import warnings

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(raw, formats=sorted(set(PICTURES.values()))) as image:
            if (image.format or "").replace("MPO", "JPEG") != expected:
                raise Refused("NOT_WHAT_IT_SAYS")
            frames = 1 if expected == "JPEG" else getattr(image, "n_frames", 1)
            pixels = image.width * image.height
            if pixels > MOST_PIXELS or frames > MOST_FRAMES or pixels * frames > MOST_PIXELS_MOVING:
                raise Refused("TOO_MANY_PIXELS")
            if frames == 1:
                ImageOps.exif_transpose(image, in_place=True)
                profile = image.info.get("icc_profile")
                # TIFF keeps its notes beside its pixels; a copy of the others would cost as much memory again
                plain: Any = image.copy() if expected == "TIFF" else image
                plain.info = _needed(plain)
                _save(plain, clean, expected, profile)
            else:
                _save_frames(image, frames, clean, expected)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("TOO_MANY_PIXELS") from None
    except Refused:
        raise
    except Exception:  # whatever a decoder raises on hostile bytes
        raise Refused("NOT_WHAT_IT_SAYS") from None


def _save(image: Any, clean: Path, format: str, profile: bytes | None) -> None:
    options: dict[str, Any] = {}
    if profile:
        options["icc_profile"] = profile
    if format == "JPEG":
        options["quality"] = 90
        image = image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGB")
    image.save(clean, format, **options)


def _save_frames(image: Any, frames: int, clean: Path, format: str) -> None:
    copies, durations = [], []
    for number in range(frames):
        image.seek(number)
        durations.append(image.info.get("duration", 0))
        copies.append(_bare(image.copy()))
    options: dict[str, Any] = {} if format == "TIFF" else {"duration": durations, "loop": image.info.get("loop", 0)}
    copies[0].save(clean, format, save_all=True, append_images=copies[1:], **options)


def _bare(image: Any) -> Any:
    """A copy without anything beside its pixels, but for what makes some of them transparent."""
    bare = image.copy()
    bare.info = _needed(image)
    return bare


def _needed(image: Any) -> dict[str, Any]:
    return {name: value for name, value in image.info.items() if name == "transparency"}


# documents


def _pdf(raw: Path) -> None:
    content = raw.read_bytes()
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        raise Refused("NOT_WHAT_IT_SAYS")
    if any(name in content for name in (b"/JavaScript", b"/Launch")):
        raise Refused("RUNNABLE")


def _text(raw: Path) -> None:
    content = raw.read_bytes()
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Refused("NOT_WHAT_IT_SAYS")
    if any(ord(c) < 32 and c not in "\t\n\r\f" for c in text) or content.startswith((b"%PDF", b"PK\x03\x04")):
        raise Refused("NOT_WHAT_IT_SAYS")
    if any(mark in text[:1024].lower().encode() for mark in MARKUP):
        raise Refused("MARKUP")


def _ole(marks: tuple[str, ...]) -> Callable[[Path], None]:
    """Word or Excel before 2007: a container that installers use too, so that its directory must name a document."""

    def check(raw: Path) -> None:
        content = raw.read_bytes()
        if not content.startswith(OLE) or not any(mark.encode("utf-16-le") in content for mark in marks):
            raise Refused("NOT_WHAT_IT_SAYS")
        if "_VBA_PROJECT".encode("utf-16-le") in content:
            raise Refused("RUNNABLE")

    return check


def _zip(required: str, mimetype: str = "") -> Callable[[Path], None]:
    """An office document: its table of contents is read, nothing but the mimetype is unpacked."""

    def check(raw: Path) -> None:
        try:
            with zipfile.ZipFile(raw) as archive:
                entries = archive.infolist()
                names = {entry.filename for entry in entries}
                _no_bomb(entries)
                if required not in names:
                    raise Refused("NOT_WHAT_IT_SAYS")
                if mimetype and archive.read("mimetype")[:200].decode("ascii", "replace").strip() != mimetype:
                    raise Refused("NOT_WHAT_IT_SAYS")
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError):
            raise Refused("NOT_WHAT_IT_SAYS") from None
        if any(
            n.lower().endswith(("vbaproject.bin", ".exe", ".js")) or n.startswith(("Basic/", "Scripts/")) for n in names
        ):
            raise Refused("RUNNABLE")

    return check


def _no_bomb(entries: list[zipfile.ZipInfo]) -> None:
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 1):
        raise Refused("BOMB")
    if any(e.filename.startswith(("/", "\\")) or ".." in e.filename.split("/") or e.flag_bits & 1 for e in entries):
        raise Refused("NOT_WHAT_IT_SAYS")


# films


def _film(raw: Path) -> None:
    with raw.open("rb") as file:
        head = file.read(16)
    if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        raise Refused("NOT_WHAT_IT_SAYS")


def _webm(raw: Path) -> None:
    with raw.open("rb") as file:
        head = file.read(128)
    if not head.startswith(b"\x1a\x45\xdf\xa3") or b"webm" not in head:
        raise Refused("NOT_WHAT_IT_SAYS")


def _forget_places(clean: Path) -> None:
    """Phones write into `udta` and `meta` where a film was taken: renamed to `free`, these boxes mean nothing."""
    content = bytearray(clean.read_bytes())
    for kind, _, start, end in _boxes(content, 0, len(content)):
        if kind == b"moov":
            for inner, named_at, _, _ in _boxes(content, start, end):
                if inner in (b"udta", b"meta"):
                    content[named_at : named_at + 4] = b"free"
    clean.write_bytes(content)


def _boxes(content: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, where its name stands, start and end of what is inside) of each box between two places."""
    while start + 8 <= end:
        size = int.from_bytes(content[start : start + 4], "big")
        kind, inside = bytes(content[start + 4 : start + 8]), start + 8
        if size == 1:
            size, inside = int.from_bytes(content[start + 8 : start + 16], "big"), start + 16
        if size == 0:
            size = end - start
        if size < 8 or start + size > end:
            return
        yield kind, start + 4, inside, start + size
        start += size


CHECKS: dict[str, Callable[[Path], None]] = {
    "pdf": _pdf,
    "txt": _text,
    "csv": _text,
    "doc": _ole(("WordDocument",)),
    "xls": _ole(("Workbook", "Book")),
    "docx": _zip("word/document.xml"),
    "xlsx": _zip("xl/workbook.xml"),
    "odt": _zip("content.xml", TYPES["odt"]),
    "ods": _zip("content.xml", TYPES["ods"]),
    "mp4": _film,
    "mov": _film,
    "webm": _webm,
}


def main(argv: list[str]) -> int:
    raw, clean, ending = argv
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024 * 1024, 64 * 1024 * 1024))
    try:
        found = {"type": inspect(Path(raw), Path(clean), ending)}
    except Refused as refused:
        found = {"reason": str(refused)}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
