"""The how-to pages about claims: every call on them is made, in their order, and is answered well."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from shared.kernel.clock import stamp
from shared.kernel.ids import new_id
from tests.gateway.test_how_to import CALL, PAGES, run
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import agent, coordinator, customer, seller

LAMPS = [{"line_id": "lin_1001_1", "qty": 2}]


def test_the_page_about_a_reported_problem_does_what_it_says(api):
    claim = open_claim(api, shipped_order(api), lines=LAMPS)
    reported, *_, last = run(api, "handle-a-reported-problem.md", seller(), CLAIM=claim["id"])
    api.suite.settle()
    assert [row["number"] for row in reported["items"]] == ["1001"]
    assert (last["state"], last["resolution"]["kind"]) == ("solution_proposed", "replacement")


def test_the_page_about_observers_does_what_it_says(api):
    claim = open_claim(api, shipped_order(api))
    *_, shown, _ = run(api, "manage-observers.md", coordinator(), CLAIM=claim["id"])
    assert [each["kind"] for each in shown["items"]] == ["account", "supplier", "mail"]
    left = api.get(f"/v1/claims/{claim['id']}/observers", coordinator())["items"]
    assert [each.get("masked") for each in left] == [None, "m…@elsewhere.example"]


def test_the_page_about_returns_does_what_it_says_and_the_money_goes_back(api_of):
    api = api_of(instant_provider=True)
    claim = open_claim(api, shipped_order(api), lines=LAMPS)
    page = (Path(PAGES) / "take-goods-back.md").read_text(encoding="utf-8")
    names = {"CLAIM": claim["id"], "LAMP": "lin_1001_1"}
    for call in CALL.findall(page):
        answer = call_of_page(api, call, names)
        names.setdefault("RETURN", answer.get("id", ""))
    api.suite.settle()
    [refund] = api.get("/v1/refunds", seller())["items"]
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("return", "succeeded", 4371)
    assert api.get(f"/v1/claims/{claim['id']}", customer())["state"] == "solution_proposed"


def test_the_page_about_the_desk_does_what_it_says(api):
    open_claim(api, shipped_order(api), title="Broken lamp")
    searched, filtered, counted, _, kept = run(api, "find-claims-on-the-desk.md", coordinator())
    assert [each["title"] for each in (*searched["items"], *filtered["items"])] == ["Broken lamp"] * 2
    assert (counted["count"], kept["items"][0]["name"]) == (1, "Broken lamps")


def test_the_page_about_a_withdrawal_does_what_it_says(api):
    order = shipped_order(api)
    page = (Path(PAGES) / "withdraw-from-a-contract.md").read_text(encoding="utf-8")
    names = {"ORDER": order["id"], "LAMP": "lin_1001_1"}
    for call in CALL.findall(page):
        answer = call_of_page(api, call, names, customer())
        names.setdefault("WITHDRAWAL", answer["id"])
    assert (answer["state"], answer["return_id"] is None) == ("received", False)


def thread_of(claim) -> str:
    return claim["id"].replace("clm_", "thr_")


def test_the_page_about_answers_does_what_it_says(api):
    claim = open_claim(api, shipped_order(api))
    names = {"THREAD": thread_of(claim)}
    answers = walked(api, "answer-and-correct.md", names, MESSAGE="id")
    assert (answers[0]["visibility"], answers[1]["visibility"]) == ("public", "private")
    assert answers[3]["upload"]["url"]
    assert "new lamp" not in api.call("GET", f"/v1/claims/{claim['id']}", customer()).text


def test_the_page_about_templates_and_signatures_does_what_it_says(api):
    names = {"THREAD": thread_of(open_claim(api, shipped_order(api)))}
    saved, listed, draft, signed, shown = walked(api, "use-templates-and-signatures.md", names, TEMPLATE="id")
    assert [each["id"] for each in listed["items"]] == [saved["id"]]
    assert draft["text"].endswith("is on its way.")
    assert signed["text"] == "Maison Lune, after-sales"
    assert signed["text"] in str(shown)


def test_the_page_about_access_does_what_it_says(api):
    until = stamp(api.suite.clock.now() + timedelta(days=7))
    names = {"THREAD": thread_of(open_claim(api, shipped_order(api))), "UNTIL": until}
    asks = {":grant": customer()}
    asked, listed, granted, ended = walked(api, "ask-a-customer-for-access.md", names, asks, REQUEST="id")
    assert [each["state"] for each in (asked, listed["items"][0], granted, ended)] == [
        "requested",
        "requested",
        "granted",
        "revoked",
    ]


def test_the_page_about_every_sellers_problems_does_what_it_says(api):
    colleague = {"name": "Kim", "email": "kim@desk.example", "locale": "en"}
    api.post("/v1/contacts/coordinator/coo_1", agent(), colleague, method="PUT")
    claim = open_claim(api, shipped_order(api))
    api.suite.advance(hours=3)
    queue, counts, changed, score = run(api, "watch-every-sellers-problems.md", agent(), CLAIM=claim["id"])
    assert [(each["id"], each["waiting_s"]) for each in queue["items"]] == [(claim["id"], 3 * 3600)]
    assert counts["states"]["submitted"] == 1
    assert [each["result"] for each in changed["results"]] == ["DONE", "NOT_FOUND"]
    assert score["level"] == "unrated"


def test_the_page_about_answering_together_does_what_it_says(api):
    claim = open_claim(api, shipped_order(api))
    there, draft, sent = run(api, "answer-together.md", coordinator(), CLAIM=claim["id"], THREAD=thread_of(claim))
    assert (there["items"], draft["text"]) == ([], sent["text"])


def walked(api, page, names, others=None, **learned):
    """Every call of the page as the seller, or as whom `others` names by the end of the path; `learned`: which field of
    the first answer stands for which name on the page."""
    answers = []
    for call in CALL.findall((Path(PAGES) / page).read_text(encoding="utf-8")):
        who = next((who for end, who in (others or {}).items() if call[1].endswith(end)), None)
        answers.append(call_of_page(api, call, names, who))
        names |= {name: answers[0][field] for name, field in learned.items()}
    return answers


def call_of_page(api, call, names, who=None):
    method, path, body = call
    for name, value in names.items():
        path, body = path.replace(name, value), body.replace(name, value)
    sent = {"body": json.loads(body) if body.strip() else {}} if method != "GET" else {}
    answer = api.call(method, path, who or seller(), key=new_id("key"), **sent)
    assert answer.status_code < 300, f"{path}: {answer.text}"
    return answer.json
