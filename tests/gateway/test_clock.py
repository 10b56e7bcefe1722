"""The virtual clock of a test stack: all services travel together, forward only, and never in production."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.gateway.app import build
from services.gateway.clients import DirectClients
from shared.kernel.clock import VirtualClock, moment
from shared.kernel.principal import ROLES, Principal
from shared.ops.settings import SERVICES, Settings, SettingsRefused
from shared.runtime import virtual_clock
from tests.gateway.conftest import SECRET, UNLIMITED, Api
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import TENANT, Suite, agent, coordinator, customer, seller

PATH = "/v1/_clock/advance"


class Travelling(Suite):
    """A suite whose services share one virtual clock, as in the demo, delivering in the background."""

    def __init__(self, folder, **settings):
        super().__init__(folder, SERVICES, jwt_secret=SECRET, virtual_clock=True, **UNLIMITED, **settings)
        clock = VirtualClock()
        for app in self.apps.values():
            app.clock = clock
            virtual_clock.install(app, clock)


@pytest.fixture
def api(tmp_path):
    suite = Travelling(tmp_path)
    suite.joined.start()
    yield Api(suite, build(suite.settings, DirectClients(suite.joined)))
    suite.joined.stop()
    for app in suite.apps.values():
        app.database.dispose()


def now_of(api: Api, who: Principal | None = None):
    return moment(api.get("/v1/_clock", who or agent())["now"])


@pytest.mark.capability("N5", "U-05")
def test_deadlines_that_lie_on_the_way_are_kept_in_their_order(api):
    """Resolved, 30 days of silence: closed by itself, and its thread with it; in one call."""
    order = shipped_order(api)
    claim = api.post(
        "/v1/claims", customer(), {"order_id": order["id"], "reason_code": "incorrect_invoice", "text": "?"}
    )
    api.post(f"/v1/claims/{claim['id']}:resolve", agent())
    before = now_of(api)
    arrived = api.post(PATH, agent(), {"months": 1, "hours": 12})
    assert arrived["settled"] is True
    assert set(arrived["services"]) == set(SERVICES)
    assert timedelta(days=28) < moment(arrived["now"]) - before < timedelta(days=33)
    closed = api.get(f"/v1/claims/{claim['id']}", agent())
    assert closed["state"] == "closed"
    assert closed["thread"]["state"] == "closed"
    # closed a day or so after its deadline, not at the journey's end
    late = moment(closed["updated_at"]) - moment(closed["opened_at"]) - timedelta(days=30)
    assert timedelta() <= late <= timedelta(days=2)


@pytest.mark.capability("N5")
def test_time_never_goes_back(api):
    api.post(PATH, agent(), {"days": 2})
    there = now_of(api)
    for back in ({"days": -1}, {"to": "2020-01-01T00:00:00Z"}, {"hours": 1, "days": -3}):
        told = api.refused("POST", PATH, agent(), "CLOCK_MOVED_BACK", body=back)
        assert told["rule"] == "N5"
    assert timedelta() <= now_of(api) - there < timedelta(minutes=1)


@pytest.mark.capability("N5")
def test_a_restart_finds_the_time_it_was_told(api):
    api.post(PATH, agent(), {"hours": 5})
    app, fresh = api.suite.apps["claim"], VirtualClock()
    before = app.clock.offset
    virtual_clock.install(app, fresh)
    app.on_tend()
    assert fresh.offset == before >= timedelta(hours=5)


def test_only_the_platform_travels(api):
    for role in set(ROLES) - {"platform_agent", "system"}:
        who = Principal(role, "somebody", TENANT, party="sel_1")
        api.refused("POST", PATH, who, "FORBIDDEN", body={"days": 1})
    for app in api.suite.apps.values():
        assert api.suite.call("clock.move", coordinator(), offset_ms=5).body["code"] == "FORBIDDEN", app.name
    assert now_of(api) - moment(api.get("/v1/_clock", agent())["services"]["order"]) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "body", [{}, {"days": "1"}, {"days": 1.5}, {"to": "tomorrow"}, {"to": "2099-01-01T00:00:00Z", "days": 1}, 
             {"years": 1}, {"days": 999_999}, {"months": 9_999_999}]
)  # fmt: skip
def test_what_is_no_distance_is_refused(api, body):
    api.refused("POST", PATH, agent(), "INVALID_INPUT", body=body)


@pytest.mark.capability("N5", "U-05")
def test_without_the_setting_there_is_no_such_route(api_of):
    api = api_of()
    api.refused("POST", PATH, agent(), "NO_SUCH_ROUTE", body={"days": 1})
    assert api.call("GET", "/v1/_clock", agent()).json["code"] == "NO_SUCH_ROUTE"
    assert api.suite.apps["claim"].executor.commands.get("clock.move") is None


@pytest.mark.capability("N5", "U-05")
def test_production_does_not_start_with_it():
    with pytest.raises(SettingsRefused, match="unset it in production"):
        Settings(mode="production", virtual_clock=True)
    with pytest.raises(SettingsRefused, match="'Europe/Lutece' is no time zone"):
        Settings(marketplace_time_zones="main=Europe/Lutece")
    assert str(Settings(marketplace_time_zones="tokyo=Asia/Tokyo").zone("tokyo")) == "Asia/Tokyo"
    assert str(Settings().zone("tokyo")) == "Europe/Paris"


def test_a_journey_through_a_claim_of_the_brand(api):
    """What people do after the journey happens at its end."""
    claim = open_claim(api, shipped_order(api))
    api.post(PATH, agent(), {"days": 28})
    api.post(f"/v1/claims/{claim['id']}:propose", seller(), {"text": "10 %?"})
    shown = api.get(f"/v1/claims/{claim['id']}", agent())
    assert moment(shown["state_since"]) - moment(shown["opened_at"]) >= timedelta(days=28)
