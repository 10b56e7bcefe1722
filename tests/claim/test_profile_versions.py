"""A tenant's own version of a profile: tried on past claims, activated by command, frozen on the claims it opens."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from services.claim.app import build
from services.claim.profiles import PROFILES, profile_from, shipped
from services.claim.profiles.replay import replay
from services.commands import profile as command
from shared.kernel.principal import ROLES, Principal
from tests.claim.test_profiles import BREAKS
from tests.suite import PARCEL, TENANT, agent, coordinator, customer, seller

(ISSUE,) = [data for data in shipped() if data["code"] == "issue"]


def version(number: int = 2, **changes):
    return {**deepcopy(ISSUE), "version": number, **changes}


@pytest.mark.capability("N2")
def test_claims_opened_after_the_activation_follow_the_new_version_and_open_ones_keep_theirs(shop):
    old = shop.claim(shop.order("1"))
    shop.suite.do("claim.activate_profile", agent(), profile=version(handler_may_resolve=True))
    new = shop.claim(shop.order("2"))
    assert [(shop.get(claim)["profile"], shop.get(claim)["profile_version"]) for claim in (old, new)] == [
        ("issue", 1),
        ("issue", 2),
    ]
    assert shop.refused("claim.resolve", seller(), old) == "REQUESTER_CONFIRMS"
    assert shop.do("claim.resolve", seller(), new)["state"] == "resolved"
    (told,) = shop.suite.events("claim", "profile.activated")
    assert told.data["former"] == "issue@1"


@pytest.mark.capability("N2")
def test_another_tenant_keeps_its_own_version(shop):
    shop.suite.do("claim.activate_profile", agent(tenant="other"), profile=version(reopen_window_days=3))
    (issue,) = [one for one in shop.suite.do("claim.profiles", agent())["items"] if one["code"] == "issue"]
    assert (issue["version"], issue["reopen_window_days"]) == (1, 30)
    (issue,) = [
        one for one in shop.suite.do("claim.profiles", agent(tenant="other"))["items"] if one["code"] == "issue"
    ]
    assert (issue["version"], issue["reopen_window_days"]) == (2, 3)


def test_a_claim_is_read_under_its_version_by_a_process_that_never_met_it(shop, monkeypatch):
    shop.suite.do("claim.activate_profile", agent(), profile=version(reopen_window_days=17))
    claim = shop.claim()
    monkeypatch.setattr(PROFILES, "_by_key", {k: p for k, p in PROFILES._by_key.items() if not p.digest})
    app = build(shop.suite.settings, shop.suite.clock)
    assert shop.get(claim)["profile_version"] == 2
    assert any(p.reopen_window_days == 17 for p in PROFILES._by_key.values())
    app.database.dispose()


@pytest.mark.capability("N2")
def test_an_action_that_the_profile_leaves_to_fewer_roles_is_refused_and_not_offered(shop):
    shop.suite.do("claim.activate_profile", agent(), profile=version(who_may={"escalate": ["customer"]}))
    claim = shop.claim()
    assert shop.refused("claim.escalate", seller(), claim, reason="help") == "FORBIDDEN"
    assert "escalate" not in shop.get(claim, seller())["allowed_actions"]
    assert shop.do("claim.escalate", customer(), claim, reason="help")["state"] == "platform_review"


def test_a_broken_profile_is_not_activated_and_every_fault_is_named(shop):
    broken = version(state_labels={**ISSUE["state_labels"]})
    del broken["state_labels"]["refused"]
    told = shop.suite.refused("claim.activate_profile", agent(), profile=broken)
    assert told["code"] == "PROFILE_BROKEN"
    assert told["details"]["faults"] == [
        "state_labels.refused: claims get into this state, and it has no label. Name it in fr and en."
    ]


@pytest.mark.capability("I18")
def test_every_broken_profile_is_refused_with_its_place_and_each_shipped_one_is_accepted(shop):
    assert len(BREAKS) >= 20
    for name, (spoil, place) in BREAKS.items():
        broken = version()
        spoil(broken)
        told = shop.suite.call("claim.activate_profile", agent(), profile=broken)
        assert (told.status, told.body["code"]) == (422, "PROFILE_BROKEN"), name
        assert any(fault.startswith(f"{place}: ") for fault in told.body["details"]["faults"]), (name, told.body)
    assert shop.suite.event_count() == 0
    for data in shipped():
        shop.suite.do("claim.activate_profile", agent(), profile={**data, "version": data["version"] + 1})
    activated = shop.suite.events("claim", "profile.activated")
    assert {event.data["profile"] for event in activated} == {data["code"] for data in shipped()}


def test_a_version_must_be_newer_and_of_a_known_profile(shop):
    refused = shop.suite.refused
    assert refused("claim.activate_profile", agent(), profile=version(1))["code"] == "PROFILE_VERSION_NOT_NEW"
    assert refused("claim.activate_profile", agent(), profile=version(code="mine"))["code"] == "PROFILE_UNKNOWN"
    assert refused("claim.activate_profile", agent(), profile=version(category="contact"))["code"] == "PROFILE_UNKNOWN"
    shop.suite.do("claim.activate_profile", agent(), profile=version(3))
    assert refused("claim.activate_profile", agent(), profile=version(2))["code"] == "PROFILE_VERSION_NOT_NEW"
    shop.suite.do("claim.activate_profile", agent(), profile=version(4))


def test_only_the_platform_administers_profiles(shop):
    for role in set(ROLES) - {"platform_agent"}:
        who = Principal(role, "somebody", TENANT, party="sel_1")
        assert shop.suite.refused("claim.activate_profile", who, profile=version())["code"] == "FORBIDDEN", role


# replay


def lived(shop, data, **since):
    app = shop.suite.apps["claim"]
    with app.database.transaction() as connection:
        return replay(connection, app.storage, TENANT, profile_from(data, own=True), **since)


def some_past(shop) -> dict[str, dict]:
    """Claims with long stories: confirmed, refunded, arbitrated and appealed, talked about and withdrawn."""
    found = {}
    found["confirmed"] = claim = shop.claim(shop.order("1"))
    shop.do("claim.propose", seller(), claim, text="10 %?")
    shop.do("claim.reject", customer(), claim, reason="too little")
    shop.do("claim.choose_resolution", seller(), claim, kind="replacement")
    shop.do("claim.confirm", customer(), claim)
    found["refunded"] = claim = shop.claim(shop.order("2"))
    shop.comment(claim, "seller")
    shop.comment(claim, "customer")
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    shop.refund("refund.failed", claim)
    shop.do("claim.choose_resolution", seller(), claim, kind="refund")
    shop.refund("refund.succeeded", claim)
    shop.do("claim.confirm", customer(), claim)
    found["arbitrated"] = claim = shop.claim(shop.order("3"))
    shop.do("claim.escalate", seller(), claim, reason="unclear")
    shop.do("claim.refuse", agent(), claim, reason_code="no_proof")
    shop.do("claim.appeal", customer(), claim, text="but yes")
    shop.do("claim.hand_back", agent(), claim)
    shop.do("claim.escalate", customer(), claim, reason="again")
    shop.do("claim.resolve", agent(), claim)
    shop.suite.advance(days=31)
    found["withdrawn"] = claim = shop.claim(shop.order("4"), reason_code="incorrect_invoice")
    shop.do("claim.assign", coordinator(), claim, assignee="coo_1")
    shop.do("claim.set_awaiting", coordinator(), claim, party="requester")
    shop.do("claim.hand_back", agent(), claim)
    shop.do("claim.withdraw", customer(), claim)
    return found


@pytest.mark.capability("N2")
def test_past_claims_lived_again_under_the_version_they_had_show_no_difference(shop):
    some_past(shop)
    report = lived(shop, ISSUE)
    assert (report.claims, report.differences) == (4, [])


@pytest.mark.capability("N2")
def test_replacements_that_left_and_that_could_not_be_sent_are_lived_again_without_a_difference(shop):
    for number in ("1", "2"):
        claim = shop.claim(shop.order(number))
        chosen = shop.do("claim.choose_resolution", seller(), claim, kind="replacement")
        replacement = chosen["resolution"]["replacement_order_id"]
        if number == "1":
            shop.suite.do("order.ship", seller(), order_id=replacement, parcel=PARCEL)
        else:
            shop.suite.do("order.cancel", seller(), order_id=replacement, reason_code="out_of_stock")
        shop.suite.settle()
    told = [type.rpartition("_")[2] for type in shop.suite.event_types("claim") if "resolution" in type]
    assert told == ["chosen", "executed", "chosen", "failed"]
    report = lived(shop, ISSUE)
    assert (report.claims, report.differences) == (2, [])


@pytest.mark.capability("N2")
def test_each_past_claim_that_a_new_version_would_have_changed_is_reported_with_its_step(shop):
    past = some_past(shop)
    stricter = version(
        resolutions=["refund", "proposal"], auto_resolve_on_refund=True, who_may={"escalate": ["customer"]}
    )
    told = {one.number: (one.step, one.was, one.would_be) for one in lived(shop, stricter).differences}
    assert told == {
        past["confirmed"]["number"]: (
            "claim.resolution_chosen by seller",
            "solution_proposed",
            "RESOLUTION_NOT_OFFERED",
        ),
        past["refunded"]["number"]: ("claim.resolution_executed by system", "solution_proposed", "resolved"),
        past["arbitrated"]["number"]: ("claim.escalated by seller", "platform_review", "FORBIDDEN"),
    }


def test_a_profile_that_holds_nothing_differs_at_the_opening(shop):
    claim = shop.claim()
    (found,) = lived(shop, version(hold="none")).differences
    assert (found.claim_id, found.was, found.would_be) == (claim["id"], "holds the settlement", "holds nothing")


def test_replay_changes_nothing_and_may_look_at_recent_claims_only(shop):
    some_past(shop)
    before = shop.suite.event_count()
    assert lived(shop, version(hold="none"), since=shop.suite.clock.now()).claims == 1
    assert shop.suite.event_count() == before


# the command


@pytest.fixture
def at_the_shell(shop, monkeypatch, tmp_path):
    for name, value in shop.suite.environment().items():
        monkeypatch.setenv(name, value)

    def run(action: str, data: dict, *more: str) -> int:
        path = tmp_path / "issue.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return command.main([action, str(path), *more])

    return run


@pytest.mark.capability("N2")
def test_the_command_checks_tries_out_and_activates(shop, at_the_shell, capsys):
    claim = shop.claim(shop.order("1"))
    data = version(hold="none")
    assert at_the_shell("lint", data) == 0
    assert at_the_shell("replay", data, "--tenant", TENANT) == 0
    shown = capsys.readouterr().out
    assert f"{claim['number']} ({claim['id']})" in shown
    assert "1 past claims lived again under issue@2#" in shown
    assert at_the_shell("activate", data, "--tenant", TENANT) == 0
    assert at_the_shell("activate", data, "--tenant", TENANT) == 1
    assert "PROFILE_VERSION_NOT_NEW" in capsys.readouterr().err


def test_the_command_names_the_line_where_json_ends_to_be_json(at_the_shell, capsys):
    assert at_the_shell("lint", '{\n  "code": issue\n}') == 1
    assert "line 2, column 11: it is not JSON" in capsys.readouterr().err
    assert at_the_shell("activate", version(colour="red"), "--tenant", TENANT) == 1
    assert "colour: nothing has this name. Remove it, or correct its name." in capsys.readouterr().err
