"""Who sees which claim and who may change it: role by role, command by command, field by field."""

from __future__ import annotations

import pytest

from services.claim.storage import claims
from shared.contracts import claim as contracts
from shared.contracts.claim_lists import LIST
from shared.contracts.registry import Operation
from shared.kernel.calls import Call
from shared.kernel.principal import ROLES, Principal
from tests.suite import agent, coordinator, customer, integrator, seller, supplier

# Valid arguments of every command on one claim: what is refused is refused for who asks.
ARGS = {
    "claim.start": {},
    "claim.choose_resolution": {"kind": "refund"},
    "claim.propose": {"text": "10 %?"},
    "claim.confirm": {},
    "claim.reject": {"reason": "no"},
    "claim.escalate": {"reason": "no answer"},
    "claim.hand_back": {},
    "claim.resolve": {},
    "claim.refuse": {"reason_code": "no_proof"},
    "claim.close": {},
    "claim.set_state": {"target": "resolved"},
    "claim.reopen": {},
    "claim.appeal": {"text": "please"},
    "claim.withdraw": {},
    "claim.merge": {"target_id": "clm_other"},
    "claim.assign": {"assignee": "coo_1"},
    "claim.set_awaiting": {"party": "requester"},
    "claim.add_observer": {"kind": "supplier", "id": "sup_9"},
    "claim.remove_observer": {"kind": "supplier", "id": "sup_1"},
}
OPERATIONS = {found.name: found for found in (*vars(contracts).values(), LIST) if isinstance(found, Operation)}
MINIMAL = {
    **{name: {"claim_id": "clm_1", **args} for name, args in ARGS.items()},
    "claim.open": {"order_id": "ord_1", "reason_code": "other", "text": "hm"},
    "claim.close_many": {"claim_ids": ["clm_1"]},
    "claim.get": {"claim_id": "clm_1"},
    "claim.list": {},
    "claim.of_orders": {"order_ids": ["ord_1"]},
    "claim.profiles": {},
    "claim.activate_profile": {"profile": {}},
}


def observer(kind: str = "account_observer", id: str = "usr_oli") -> Principal:
    return Principal(kind, id, "shop")


@pytest.mark.capability("T09")
def test_no_command_takes_a_column_that_is_not_its_argument(shop):
    """Every column of the table, and every name a client may guess, sent to every command and query."""
    assert set(MINIMAL) == set(OPERATIONS)
    app = shop.suite.apps["claim"]
    names = {str(column.name) for column in claims.c}
    names |= {"prev", "role", "tenant_id", "owner", "amount_refunded", "hold"}
    before = shop.suite.event_count()
    for operation, args in MINIMAL.items():
        for name in sorted(names - set(OPERATIONS[operation].schema.fields)):
            call = Call(operation, {**args, name: "x"}, agent(), idempotency_key="k")
            answer = app.execute([call])[0]
            assert (answer.status, answer.body["code"]) == (422, "INVALID_INPUT"), (operation, name)
            assert list(answer.body["details"]["fields"]) == [name]
    assert shop.suite.event_count() == before


@pytest.mark.capability("I7", "T05")
def test_an_included_supplier_reads_the_claim_and_changes_nothing(shop):
    claim = shop.claim()
    assert shop.refused("claim.get", supplier(), claim) == "NOT_FOUND"
    shop.do("claim.add_observer", coordinator(), claim, kind="supplier", id="sup_1")
    shop.do("claim.add_observer", coordinator(), claim, kind="account", id="usr_oli")
    before = shop.get(claim)
    for who in (supplier(), observer()):
        assert shop.get(claim, who)["allowed_actions"] == []
        for command, args in ARGS.items():
            assert shop.refused(command, who, claim, **args) == "FORBIDDEN", command
        order_id = claim["order_id"]
        assert shop.suite.refused("claim.open", who, order_id=order_id, reason_code="other", text="x")["code"] == (
            "ORDER_NOT_SYNCED"
        )
        closed = shop.suite.do("claim.close_many", who, claim_ids=[claim["id"]])["results"]
        assert [one["result"] for one in closed] == ["FORBIDDEN"]
    assert shop.get(claim) == before


@pytest.mark.capability("T05", "I7")
def test_a_removed_supplier_sees_nothing_any_more(shop):
    claim = shop.claim()
    shop.do("claim.add_observer", agent(), claim, kind="supplier", id="sup_1")
    assert len(shop.suite.do("claim.list", supplier())["items"]) == 1
    shop.do("claim.remove_observer", agent(), claim, kind="supplier", id="sup_1")
    assert shop.suite.do("claim.list", supplier())["items"] == []
    assert shop.refused("claim.get", supplier(), claim) == "NOT_FOUND"
    shop.do("claim.add_observer", agent(), claim, kind="supplier", id="sup_1")
    assert shop.get(claim, supplier())["id"] == claim["id"]


OUTSIDERS = [
    customer("cus_2"),
    seller("sel_2"),
    supplier("sup_2"),
    integrator("sel_2"),
    observer(),
    observer("mail_observer"),
    customer(tenant="other"),
    seller(tenant="other"),
    coordinator(tenant="other"),
    agent(tenant="other"),
    Principal("customer", "nobody", "shop"),
    Principal("seller", "nobody", "shop"),
]


@pytest.mark.capability("T01", "I6")
@pytest.mark.parametrize("who", OUTSIDERS, ids=lambda who: f"{who.role}-{who.party or who.id}-{who.tenant}")
def test_a_foreign_claim_does_not_exist_for_anything(shop, who):
    claim = shop.claim()
    assert shop.refused("claim.get", who, claim) == "NOT_FOUND"
    for command, args in ARGS.items():
        assert shop.refused(command, who, claim, **args) == "NOT_FOUND", command
    assert shop.suite.do("claim.list", who)["items"] == []
    assert shop.suite.do("claim.list", who, order_id=claim["order_id"])["items"] == []
    of = shop.suite.do("claim.of_orders", who, order_ids=[claim["order_id"]])["orders"]
    assert of == {claim["order_id"]: {"open": 0, "issues": []}}


def test_every_role_lists_exactly_what_it_may_see(shop):
    mine = shop.claim(shop.order("1"))
    theirs = shop.claim(
        shop.order("2", seller_id="sel_2", customer={"ref": "cus_2", "name": "B", "email": "b@x.example"}),
        who=customer("cus_2"),
    )
    shop.do("claim.add_observer", agent(), theirs, kind="supplier", id="sup_1")
    shop.do("claim.add_observer", agent(), theirs, kind="account", id="usr_oli")
    seen = {
        who.role: sorted(item["id"] for item in shop.suite.do("claim.list", who)["items"])
        for who in (
            customer(),
            seller(),
            supplier(),
            coordinator(),
            agent(),
            integrator("sel_2"),
            observer(),
            observer("mail_observer"),
        )
    }
    both = sorted([mine["id"], theirs["id"]])
    assert seen == {
        "customer": [mine["id"]],
        "seller": [mine["id"]],
        "supplier": [theirs["id"]],
        "coordinator": both,
        "platform_agent": both,
        "integrator": [theirs["id"]],
        "account_observer": [theirs["id"]],
        "mail_observer": [],
    }
    assert set(seen) == set(ROLES) - {"system"}


def test_a_customer_never_learns_who_observes_who_is_assigned_or_which_supplier_was_asked(shop):
    claim = shop.claim()
    shop.do("claim.add_observer", coordinator(), claim, kind="supplier", id="sup_1")
    shop.do("claim.assign", coordinator(), claim, assignee="coo_1")
    shop.do("claim.set_awaiting", coordinator(), claim, party="supplier:sup_1")
    for view in (shop.get(claim, customer()), shop.suite.do("claim.list", customer())["items"][0]):
        assert not {"observers", "assignee", "holds_settlement", "disputed_amount", "appealed"} & set(view)
        assert view["awaiting"]["party"] == "seller"
        assert "sup_1" not in str(view)
        assert "coo_1" not in str(view)
    assert shop.get(claim, supplier())["attention"] is True


def test_allowed_actions_of_every_role_are_accepted(shop):
    """What an answer offers is not refused: each offered command is really given, on a claim of its own."""
    for number, who in enumerate((customer(), seller(), coordinator(), agent())):
        offered = shop.claim(shop.order(f"7{number}", phase="shipped"))
        for action in shop.get(offered, who)["allowed_actions"]:
            claim = shop.claim(shop.order(f"8{number}-{action}", phase="shipped"))
            name = f"claim.{action}"
            args = ARGS[name] | ({"target_id": offered["id"]} if action == "merge" else {})
            if action == "remove_observer":
                continue
            answer = shop.suite.call(name, who, key=f"k-{number}-{action}", claim_id=claim["id"], **args)
            assert answer.ok, (who.role, action, answer.body)
