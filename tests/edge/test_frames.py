"""Our reading and writing of AMQP frames, held against the library's own."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from amqp.basic_message import Message
from amqp.exceptions import UnexpectedFrame
from amqp.serialization import GenericContent
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.edge.frames import END, FrameReader, Incoming, _our_properties, publication

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
HEADERS = st.dictionaries(st.text("abcdefgh-", min_size=1, max_size=20), TEXT, max_size=14)
ODD = st.one_of(TEXT, st.integers(-(2**31), 2**31 - 1), st.booleans(), st.lists(TEXT, max_size=3), st.just({"a": "b"}))
CHANNEL = SimpleNamespace(channel_id=1, connection=SimpleNamespace(frame_max=131072))


class Pieces:
    """A socket whose bytes arrive cut at arbitrary places."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
        self._pieces = [data[a:b] for a, b in pairwise(edges) if a != b]

    def recv(self, _most: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def properties_of(frame: bytes) -> bytes:
    """What follows class, weight and body size in a content header frame."""
    return frame[7 + 12 : -1]


@settings(max_examples=200, deadline=None)
@given(HEADERS, st.binary(max_size=300_000), st.lists(st.integers(0, 10**6), max_size=8))
def test_what_we_write_the_library_reads_and_our_reader_cuts_where_it_was_joined(headers, body, cuts):
    frames = list(publication(CHANNEL, "claim.events", "claim.opened", "evt_1", headers, body, mandatory=True))
    library = Message()
    library._load_properties(60, properties_of(frames[1]), 0)
    assert library.properties == {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "application_headers": headers,
        "delivery_mode": 2,
        "message_id": "evt_1",
    }
    reader = FrameReader(SimpleNamespace(sock=Pieces(b"".join(frames), cuts)))
    read = [reader.read_frame() for _ in frames]
    assert [payload for _, _, payload in read] == [frame[7:-1] for frame in frames]
    assert b"".join(payload for kind, _, payload in read if kind == 3) == body


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "content_type": st.sampled_from(["application/json", "text/plain"]),
            "content_encoding": st.sampled_from(["utf-8", "binary"]),
            "application_headers": st.dictionaries(st.text("abc", min_size=1, max_size=9), ODD, max_size=5),
            "delivery_mode": st.sampled_from([1, 2]),
            "message_id": st.text("abc", max_size=30),
            "reply_to": st.text("abc", min_size=1, max_size=9),
            "priority": st.integers(0, 9),
        },
    )
)
def test_messages_of_every_shape_are_read_as_the_library_reads_them(properties):
    raw = Message("", **properties)._serialize_properties()
    ours, library = Incoming(), Message()
    ours._load_properties(60, raw, 0)
    library._load_properties(60, raw, 0)
    assert ours.properties == library.properties


def test_the_messages_of_our_relay_are_read_by_the_shortcut():
    """The hook is a private name of the library: when a new version renames it, this says so."""
    header = list(publication(CHANNEL, "e", "k", "evt_1", {"ce-id": "evt_1"}, b"{}", True))[1]
    assert _our_properties(properties_of(header), 0)["message_id"] == "evt_1"
    message = Incoming()
    message.inbound_header(header[7:-1])
    assert message.headers == {"ce-id": "evt_1"}
    assert "_load_properties" in vars(GenericContent), "the library reads properties by another method now"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_broken_properties_are_left_to_the_library(raw):
    known = _our_properties(b"\xf0\x80" + raw, 0)
    assert known is None or known["content_type"] == "application/json"


def test_a_frame_without_its_end_is_refused():
    frame = next(publication(CHANNEL, "e", "k", "id", {}, b"{}", True))
    assert frame[-1] == END
    with pytest.raises(UnexpectedFrame):
        FrameReader(SimpleNamespace(sock=Pieces(frame[:-1] + b"\x00", []))).read_frame()
