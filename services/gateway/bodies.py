"""Reading what clients send: bounded, and strict where JSON parsers are lenient (T34, T35, R33)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from marshmallow import Schema, fields
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from services.gateway.problems import (
    BodyTooLarge,
    LengthRequired,
    MalformedBody,
    MalformedHeader,
    MalformedPath,
    UnsupportedEncoding,
    UnsupportedMediaType,
)

MOST = 1024 * 1024  # bytes; attachments travel apart
DEPTH = 32  # no contract nests deeper than 6; a parser's stack must never be what stops a nest of 30,000
DIGITS = 18  # 10**18 fits 64 bits; a longer number is no amount, and big integers cost quadratic time
PARAMETERS = 40
STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
LONG_NUMBER = re.compile(rb"\d{%d,}" % (DIGITS + 1))
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
JSON_TYPE = re.compile(r'application/(?:[\w.+-]+\+)?json\s*(?:;\s*charset="?utf-?8"?\s*)?', re.IGNORECASE)


def raw_body(environ: dict[str, Any]) -> bytes:
    """The whole body, at most MOST bytes; a chunked body is counted while it arrives, a half body is refused."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedEncoding()
    length = environ.get("CONTENT_LENGTH") or ""
    if length and not (length.isascii() and length.isdigit()):
        raise MalformedHeader(header="Content-Length", reason="not a number")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return _chunked(environ, length)
    try:
        return get_input_stream(environ, max_content_length=MOST).read()
    except RequestEntityTooLarge:
        raise BodyTooLarge(most=MOST) from None
    except (ClientDisconnected, OSError):
        raise MalformedBody(reason="it ended before its Content-Length") from None


def _chunked(environ: dict[str, Any], length: str) -> bytes:
    if length:
        raise MalformedHeader(header="Transfer-Encoding", reason="not together with Content-Length")
    if not environ.get("wsgi.input_terminated"):
        raise LengthRequired()  # this server does not decode chunks: reading on would wait for ever
    try:
        body = environ["wsgi.input"].read(MOST + 1)
    except (OSError, ValueError):
        raise MalformedBody(reason="its chunks are broken") from None
    if len(body) > MOST:
        raise BodyTooLarge(most=MOST)
    return body


def json_object(environ: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object."""
    raw = raw_body(environ)
    if not raw:
        return {}
    if not JSON_TYPE.fullmatch(environ.get("CONTENT_TYPE", "")):
        raise UnsupportedMediaType()
    return parsed(raw)


def parsed(raw: bytes) -> dict[str, Any]:
    """Strict JSON: UTF-8, no NaN or Infinity, no name twice, no NUL, depth and number length bounded."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedBody(reason="it is not valid JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise MalformedBody(reason="it is something else than an object")
    bare = STRINGS.sub(b"", raw)  # what remains outside of strings: brackets, colons, numbers
    if LONG_NUMBER.search(bare):
        raise MalformedBody(reason=f"a number has more than {DIGITS} digits")
    if _members(found, 1) != bare.count(b":"):
        raise MalformedBody(reason="an object names a field twice")
    return found


def _members(value: Any, depth: int) -> int:
    """How many object members are inside `value`: fewer than colons in the text means that names came twice."""
    if depth > DEPTH:
        raise MalformedBody(reason=f"it nests deeper than {DEPTH}")
    if isinstance(value, dict):
        found = len(value)
        for name, each in value.items():
            if "\0" in name:
                raise MalformedBody(reason="it holds a NUL character")
            found += _members(each, depth + 1)
        return found
    if isinstance(value, list):
        return sum([_members(each, depth + 1) for each in value])
    if isinstance(value, str) and "\0" in value:
        raise MalformedBody(reason="it holds a NUL character")
    return 0


def query_reader(schema: Schema) -> Callable[[str], dict[str, Any]]:
    """A function from a query string to arguments in the types that this schema takes.

    What does not look like its type stays text: the owner's schema refuses it and names the field. Lists are given
    repeated or separated by commas.
    """
    kinds = {field.data_key or name: field for name, field in schema.load_fields.items()}
    lists = {name for name, field in kinds.items() if isinstance(field, fields.List)}
    convert = {name: _reader(field.inner if isinstance(field, fields.List) else field) for name, field in kinds.items()}

    def read(query: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, text in _pairs(query):
            if name in lists:
                found.setdefault(name, []).extend(convert[name](part) for part in text.split(","))
            elif name in found:
                raise MalformedPath(parameter=name)
            else:
                found[name] = convert.get(name, str)(text)
        return found

    return read


def _pairs(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS)
    except ValueError:
        raise MalformedPath() from None
    if any(CONTROL.search(part) for pair in pairs for part in pair):
        raise MalformedPath()
    return pairs


def _reader(field: fields.Field) -> Callable[[str], Any]:
    if isinstance(field, fields.Integer):
        return _whole
    if isinstance(field, fields.Boolean):
        return _truth
    return str


def _whole(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?[0-9]{1,10}", text) else text


def _truth(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)
