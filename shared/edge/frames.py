"""AMQP frames by the handful: what py-amqp does right but per message, done per batch.

Its reader takes three system calls per frame and decodes each header by a general rule; its writer makes one call per
message. Here one call reads what has arrived, messages like ours are decoded straight away (all others as the library
does it), and a batch is written at once. Connections, channels and all other methods stay the library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct, error
from typing import Any

import amqp
from amqp import spec
from amqp.basic_message import Message
from amqp.exceptions import UnexpectedFrame

CHUNK = 64 * 1024  # from 128 KB on each read has its memory mapped and unmapped by the kernel: 18 µs instead of 2
END = 0xCE
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
_frame, _method, _content, _long, _short = (Struct(text) for text in (">BHI", ">HH", ">HHQ", ">I", ">H"))
_CARRIES_CONTENT = frozenset((spec.Basic.Return, spec.Basic.Deliver, spec.Basic.GetOk))

# content type, content encoding, headers, delivery mode, message id: what our relay sends, in the order they travel
_OURS = 0xF080
_PERSISTENT = b"\x02"
_JSON_UTF8 = b"\x10application/json\x05utf-8"
_OPTIONAL, _MANDATORY = b"\x00", b"\x01"


class FrameReader:
    """Stands in for a transport's `read_frame`; keeps what arrived beyond the frame that was asked for."""

    def __init__(self, transport: Any) -> None:
        self._sock, self._buffer, self._at = transport.sock, b"", 0

    def read_frame(self) -> tuple[int, int, bytes]:
        """The next frame. Raises what the socket raises, TimeoutError included; nothing is lost by it."""
        while not self.ready:
            arrived = self._sock.recv(CHUNK)
            if not arrived:
                raise OSError("the broker closed the connection")
            self._buffer, self._at = self._buffer[self._at :] + arrived, 0
        kind, channel, size = _frame.unpack_from(self._buffer, self._at)
        begin = self._at + 7
        if self._buffer[begin + size] != END:
            raise UnexpectedFrame("a frame does not end where it says")
        self._at = begin + size + 1
        return kind, channel, self._buffer[begin : begin + size]

    @property
    def ready(self) -> bool:
        """Is a whole frame here already?"""
        left = len(self._buffer) - self._at
        return left >= 8 and left >= 8 + _long.unpack_from(self._buffer, self._at + 3)[0]


class Incoming(Message):
    """A received message. Properties set exactly as our relay sets them are read by a shortcut."""

    def _load_properties(self, class_id: int, buf: bytes, offset: int) -> int:
        found = _our_properties(buf, offset)
        if found is None:
            return super()._load_properties(class_id, buf, offset)
        self.properties = found
        return len(buf)


def _our_properties(buf: bytes, at: int) -> dict[str, Any] | None:
    """The properties when they are JSON in UTF-8 with text headers (and the broker's numbers), else None."""
    try:
        if _short.unpack_from(buf, at)[0] != _OURS or not buf.startswith(_JSON_UTF8, at + 2):
            return None
        at += 2 + len(_JSON_UTF8)
        end = at + 4 + _long.unpack_from(buf, at)[0]
        headers = _text_table(buf, at + 4, end)
        if headers is None or buf[end : end + 1] != _PERSISTENT or end + 2 + buf[end + 1] != len(buf):
            return None
        return {
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "application_headers": headers,
            "delivery_mode": 2,
            "message_id": buf[end + 2 :].decode(),
        }
    except (IndexError, error, UnicodeDecodeError):
        return None


def _text_table(buf: bytes, at: int, end: int) -> dict[str, str] | None:
    """A table of texts; None when there is any other value in it."""
    found = {}
    while at < end:
        name = at + 1 + buf[at]
        if buf[name] != 0x53:  # S, a long string
            return None
        value = name + 5
        stop = value + _long.unpack_from(buf, name + 1)[0]
        if stop > end:
            return None
        found[buf[at + 1 : name].decode()] = buf[value:stop].decode()
        at = stop
    return found


def frame_handler(connection: Any, callback: Callable[..., Any]) -> Callable[[tuple[int, int, bytes]], bool]:
    """As the library's, with Incoming as the message: py-amqp takes this as an argument of its connection."""
    expected: dict[int, int] = {}
    partial: dict[int, Message] = {}

    def complete(channel: int, message: Message) -> bool:
        if not message.ready:
            expected[channel] = BODY
            return False
        del partial[channel], expected[channel]
        callback(channel, message.frame_method, message.frame_args, message)
        return True

    def on_frame(frame: tuple[int, int, bytes]) -> bool:
        kind, channel, payload = frame
        connection.bytes_recv += 1
        if kind == HEARTBEAT:
            return False
        if kind != expected.get(channel, METHOD):
            raise UnexpectedFrame(f"frame {kind} while {expected.get(channel, METHOD)} was due")
        if kind == METHOD:
            method = _method.unpack_from(payload, 0)
            if method not in _CARRIES_CONTENT:
                callback(channel, method, payload, None)
                return True
            partial[channel] = Incoming(frame_method=method, frame_args=payload)
            expected[channel] = HEADER
            return False
        message = partial[channel]
        (message.inbound_header if kind == HEADER else message.inbound_body)(payload)
        return complete(channel, message)

    return on_frame


def publication(
    channel: amqp.Channel,
    exchange: str,
    key: str,
    message_id: str,
    headers: dict[str, str],
    body: bytes,
    mandatory: bool,
    also: str = "",
) -> Iterator[bytes]:
    """The frames of one persistent JSON message, ready to be sent. mandatory: it comes back if no queue takes it.

    also: another routing key it is sent by. RabbitMQ takes that out before anybody receives it (`BCC`), and a queue
    that is bound to both has it once.
    """
    number, most = channel.channel_id, channel.connection.frame_max - 8
    to = _name(exchange) + _name(key) + (_MANDATORY if mandatory else _OPTIONAL)
    yield _framed(METHOD, number, b"\x00\x3c\x00\x28\x00\x00" + to)
    table = b"".join([_name(name) + b"S" + _text(text) for name, text in headers.items()])
    if also:
        keys = b"S" + _text(also)
        table += _name("BCC") + b"A" + _long.pack(len(keys)) + keys
    properties = [_short.pack(_OURS), _JSON_UTF8, _long.pack(len(table)), table, _PERSISTENT, _name(message_id)]
    yield _framed(HEADER, number, _content.pack(60, 0, len(body)) + b"".join(properties))
    for at in range(0, len(body), most):
        yield _framed(BODY, number, body[at : at + most])


def _framed(kind: int, channel: int, payload: bytes) -> bytes:
    return _frame.pack(kind, channel, len(payload)) + payload + b"\xce"


def _name(text: str) -> bytes:
    raw = text.encode()
    return bytes((len(raw),)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    return _long.pack(len(raw)) + raw
