"""Loading in one pass says what marshmallow says, of whatever comes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.contracts import order as contracts
from shared.contracts.quick import quick_loader
from tests.suite import order_args

SCHEMA = contracts.PLACE.schema
LOAD = quick_loader(SCHEMA)
FULL = order_args(
    "1",
    placed_at="2026-11-02T09:00:00+01:00",
    lines=[
        {
            **order_args("1")["lines"][0],
            "covers": {"product_id": "prd_1", "url": "https://Shop.example/", "days": 30},
            "wear": {"units_per_day": "0.5", "offer_code": "AGAIN"},
        }
    ],
)
VALUES = st.sampled_from(
    [None, "", "x", "a b", 0, 1, -1, 1.0, 1.5, True, [], {}, [1], {"a": 1}, "EUR", 10**16, "2026-11-02", "\x00", "é"]
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def outcome(load, data):
    try:
        return load(copy.deepcopy(data))
    except ValidationError as wrong:
        return wrong.normalized_messages()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_right_and_what_is_wrong_is_the_same_as_the_schema_says(data):
    document = copy.deepcopy(FULL)
    for _ in range(data.draw(st.integers(0, 2))):
        path = data.draw(st.sampled_from(places(document)[1:]))
        target = document
        for key in path[:-1]:
            target = target[key]
        change = data.draw(st.sampled_from(["set", "drop", "add"]))
        if change == "set":
            target[path[-1]] = copy.deepcopy(data.draw(VALUES))
        elif change == "drop":
            del target[path[-1]]
        elif isinstance(target, dict):
            target[data.draw(st.sampled_from(["order_id", "unknown", "phone"]))] = copy.deepcopy(data.draw(VALUES))
    assert outcome(LOAD, document) == outcome(SCHEMA.load, document)
