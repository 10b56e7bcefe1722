"""Who reacts to some events of a type only is sent those, waits for those and for no other (ADR 0023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.registry import EVENTS, Narrow, narrowest_key
from shared.kernel.ids import new_id
from shared.runtime.envelope import Envelope, told_before
from shared.runtime.tables import Contents, Reaction
from shared.storage.engine import Database
from tests.event_log import KEY
from tests.runtime import toys
from tests.runtime.backends import START, Direct
from tests.servers import Servers

LOUD = Narrow("counter.raised_loudly", "mood", ("loud",))


@pytest.fixture(scope="module")
def narrowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    """The follower reacts to what is raised loudly, and to reminders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EVENTS, "counter.raised", replace(EVENTS["counter.raised"], narrow=LOUD))
        some = {
            "counter.raised": Reaction(toys.follow, toys._mirror, narrow=True),
            "counter.reminded": Reaction(toys.follow, toys._mirror),
        }
        patch.setattr(toys, "FOLLOWER", Contents(reactions=some))
        yield Direct(Path(tmp_path_factory.mktemp("narrow")))


@pytest.mark.capability("I14")
def test_only_what_has_the_narrow_key_is_handled(narrowed: Direct) -> None:
    id = narrowed.opened()
    for mood in ("loud", "quiet", "loud", "quiet"):
        narrowed.do("counter.raise", id=id, by=1, mood=mood)
    narrowed.settle()
    assert narrowed.effects(id) == [2, 4]
    assert narrowed.waiting(id) == []
    assert narrowed.log(id)[-1].prior == "opened:1,raised_loudly:4,raised:3"
    assert narrowed.follower.contents.bound == {"counter.raised_loudly", "counter.reminded"}


@pytest.mark.capability("I14")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_in_any_order_each_waits_for_those_of_its_own(narrowed: Direct, data: st.DataObject) -> None:
    moods = data.draw(st.lists(st.sampled_from(["loud", "quiet"]), min_size=1, max_size=9))
    id = new_id("cnt")
    heard = [event for event in raised(id, moods) if narrowed.follower.inbox.hears(event)]
    assert [event.seq for event in heard] == [seq for seq, mood in enumerate(moods, 1) if mood == "loud"]
    for event in data.draw(st.permutations(heard + heard[:2])):
        narrowed.follower.inbox.receive([event])
    assert narrowed.effects(id) == [event.seq for event in heard]
    assert narrowed.waiting(id) == []


def test_one_that_is_sent_all_the_same_is_passed_over(narrowed: Direct) -> None:
    """As by a replay, or by a binding that an older version left behind."""
    id = new_id("cnt")
    narrowed.follower.inbox.receive(raised(id, ["quiet", "loud", "quiet"]))
    assert narrowed.effects(id) == [2]
    assert narrowed.waiting(id) == []


def test_an_event_without_the_field_has_the_narrow_key(narrowed: Direct) -> None:
    assert narrowest_key("counter.raised", {"by": 1}) == LOUD.key


@pytest.mark.servers
def test_the_databases_say_the_keys_as_the_services_do(servers: Servers) -> None:
    """What waits for quiet, and what counts after chaos, asks the event logs."""
    told = [
        ("message.posted", '{"origin": "post"}', "message.posted_by_hand"),
        ("message.posted", '{"origin": "thread.opened"}', "message.posted_by_hand"),
        ("message.posted", '{"origin": "claim.opened"}', "message.posted"),
        ("claim.resolution_chosen", '{"kind": "replacement"}', "claim.replacement_chosen"),
        ("claim.resolution_chosen", '{"kind": "refund"}', "claim.resolution_chosen"),
        ("settlement.hold_placed", '{"ends_payout": true}', "settlement.payout_held"),
        ("settlement.hold_placed", '{"ends_payout": false}', "settlement.hold_placed"),
        ("settlement.hold_placed", "{}", "settlement.payout_held"),
        ("claim.opened", "{}", "claim.opened"),
    ]
    database = Database(servers.database("narrow"))
    with database.transaction() as connection:
        rows = ", ".join(f"('{type}', '{data}')" for type, data, _ in told)
        found = connection.execute(sa.text(f"select {KEY} from (values {rows}) log (type, data)".replace(":", r"\:")))
        assert list(found.scalars()) == [key for *_, key in told]
    database.dispose()
    keys = [Envelope("e", type, "a", 1, "t", START, "s", "c", None, data.encode()).key for type, data, _ in told]
    assert keys == [key for *_, key in told]


def raised(id: str, moods: list[str]) -> list[Envelope]:
    told: dict[str, int] = {}
    events = []
    for seq, mood in enumerate(moods, 1):
        data = b'{"by": 1, "mood": "%s"}' % mood.encode()
        event = Envelope(new_id("evt"), "counter.raised", id, seq, "shop", START, "s/s/t", "cor", None, data)
        events.append(replace(event, prior=told_before(told)))
        told[event.key.partition(".")[2]] = seq
    return events
