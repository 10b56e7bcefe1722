"""Finding claims on the desk through HTTP: search, filters, saved views, counts (B13)."""

from __future__ import annotations

import pytest

from tests.gateway.test_journey import shipped_order
from tests.suite import agent, coordinator, customer, seller, supplier

TITLES = ("Lampe cassée", "Broken lamp", "Where is my parcel?")


@pytest.fixture
def claims(api) -> list[str]:
    """Three claims of cus_1 on three orders; of two reasons, the middle one with the supplier sup_1 on it."""
    found = []
    for number, title in enumerate(TITLES, 1):
        order = shipped_order(api, number=f"ORD-{number}77")
        reason = "not_delivered" if number == 3 else "damaged_items"
        body = {"reason_code": reason, "text": "Please help.", "title": title}
        found.append(api.post(f"/v1/orders/{order['id']}/issues", customer(), body, status=201)["id"])
        api.suite.settle()
        api.suite.clock.advance(minutes=1)
    api.post(f"/v1/claims/{found[1]}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    return found


def found(api, who, query, path="/v1/desk/claims"):
    return [each["title"] for each in reversed(api.get(f"{path}?{query}", who)["items"])]


# query: which of the three it finds
SEARCHES = (
    ("q=lamp", (0, 1)),
    ("q=CASSEE", (0,)),
    ("q=cass%C3%A9e", (0,)),
    ("q=amp", ()),
    ("q=broken%20la", (1,)),
    ("q=lamp%20parcel", ()),
    ("q=ord-277", (1,)),
    ("q=277", (1,)),
    ("q=cus_1", (0, 1, 2)),
    ("q=lamp&seller_id=sel_1&reason_code=damaged_items", (0, 1)),
    ("reason_code=not_delivered", (2,)),
    ("handler=platform", (2,)),
    ("handler=coordinators", ()),
    ("marketplace=main", (0, 1, 2)),
    ("marketplace=other", ()),
    ("supplier_id=sup_1", (1,)),
    ("state=closed&awaiting=seller", ()),
    ("overdue=true", ()),
    ("overdue=false&q=parcel", (2,)),
    ("due_before=2030-01-01T00:00:00Z", ()),
    ("category=after_sales&assignee=none", (0, 1, 2)),
)


def test_the_desk_finds_claims_by_the_beginnings_of_words_and_by_every_filter(api, claims):
    for query, which in SEARCHES:
        titles = [TITLES[each] for each in which]
        assert sorted(found(api, coordinator(), query)) == sorted(titles), query
        counted = api.get(f"/v1/desk/count?{query}", coordinator())
        assert (counted["count"], counted["more"]) == (len(titles), False), query


@pytest.mark.capability("T01", "I6")
def test_a_search_finds_nothing_that_the_searcher_may_not_see(api, claims):
    assert found(api, customer(), "q=lamp", "/v1/claims") == ["Lampe cassée", "Broken lamp"]
    assert found(api, supplier(), "q=lamp") == ["Broken lamp"]
    for stranger in (customer("cus_2"), seller("sel_2"), supplier("sup_2"), coordinator("coo_1", "other")):
        assert found(api, stranger, "q=lamp", "/v1/claims") == []
        assert api.get("/v1/desk/count?q=lamp", stranger)["count"] == 0
        assert api.get("/v1/desk/count?seller_id=sel_1", stranger)["count"] == 0


def test_a_search_without_two_letters_or_digits_is_refused(api):
    for q in ("", "a", "%", "_%20-", "**"):
        problem = api.refused("GET", f"/v1/desk/claims?q={q}", coordinator(), "INVALID_INPUT")
        assert list(problem["details"]["fields"]) == ["q"]


def test_a_saved_view_is_shared_with_colleagues_and_means_whoever_looks(api, claims):
    mine = {"name": "Mine to answer", "filters": {"awaiting": "me", "q": "lamp"}, "shared": True}
    view = api.post("/v1/desk/views/answer", seller(), mine, method="PUT")
    assert (view["mine"], view["version"], view["filters"]) == (True, 1, mine["filters"])
    colleague = type(seller())(role="seller", id="user_two", tenant="shop", party="sel_1")
    [seen] = api.get("/v1/desk/views", colleague)["items"]
    assert (seen["id"], seen["mine"], seen["allowed_actions"]) == (view["id"], False, [])
    assert found(api, colleague, f"view={view['id']}") == ["Lampe cassée", "Broken lamp"]
    assert found(api, colleague, f"view={view['id']}&q=broken") == ["Broken lamp"]
    assert api.get(f"/v1/desk/count?view={view['id']}", colleague)["count"] == 2
    for stranger in (seller("sel_2"), coordinator(), supplier()):
        assert api.get("/v1/desk/views", stranger)["items"] == []
        api.refused("GET", f"/v1/desk/claims?view={view['id']}", stranger, "NOT_FOUND")
    api.post("/v1/desk/views/answer", seller(), {**mine, "shared": False}, method="PUT")
    api.refused("GET", f"/v1/desk/claims?view={view['id']}", colleague, "NOT_FOUND")


def test_a_view_is_changed_and_removed_by_its_owner_only_and_customers_have_none(api):
    body = {"name": "Late", "filters": {"overdue": True}, "shared": True}
    view = api.post("/v1/desk/views/late", coordinator("coo_1"), body, method="PUT")
    other = api.post("/v1/desk/views/late", agent(), {**body, "name": "Mine"}, method="PUT")
    assert other["id"] != view["id"]
    assert [each["name"] for each in api.get("/v1/desk/views", agent())["items"]] == ["Mine", "Late"]
    api.refused("PUT", "/v1/desk/views/late", coordinator("coo_1"), "STALE_VERSION", body=body, if_match='"7"')
    wrong = {"name": "X", "filters": {"state": ["lost"]}}
    api.refused("PUT", "/v1/desk/views/late", coordinator("coo_1"), "INVALID_INPUT", body=wrong)
    api.post("/v1/desk/views/late", agent(), method="DELETE")
    assert [each["name"] for each in api.get("/v1/desk/views", agent())["items"]] == ["Late"]
    api.refused("PUT", "/v1/desk/views/late", customer(), "FORBIDDEN", body=body)
    api.refused("GET", "/v1/desk/views", customer(), "FORBIDDEN")


def test_pages_of_a_search_lose_and_double_none_while_claims_change(api, claims):
    first = api.get("/v1/desk/claims?q=lamp&limit=1", coordinator())
    assert [each["title"] for each in first["items"]] == ["Broken lamp"]
    api.post(f"/v1/claims/{claims[1]}:start", coordinator())  # what was seen already moves to the front
    rest = api.get(f"/v1/desk/claims?q=lamp&limit=5&cursor={first['next_cursor']}", coordinator())
    assert [each["title"] for each in rest["items"]] == ["Lampe cassée"]
    assert rest["next_cursor"] is None
