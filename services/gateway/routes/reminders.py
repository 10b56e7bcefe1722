"""The link in a reminder: a page that stops such reminders, without signing in (S4-26)."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from services.gateway.inquiry import Inquiry
from services.gateway.small_pages import button, language_of, not_now, pressed, small_page
from services.gateway.table import Route
from shared.contracts.entitlement import STOP_BY_LINK
from shared.kernel.principal import Principal

LINK = "/reminders/{tenant}/{plan_id}/{token}"
WORDS = {
    "fr": {
        "title": "Ne plus recevoir de rappels",
        "ask": "Nous vous écrivons quand un produit acheté chez nous arrive à sa fin. Arrêter ces rappels ?",
        "button": "Arrêter les rappels",
        "done": "C'est fait. Vous ne recevrez plus de rappels.",
        "gone": "Ce lien n'est pas valable. Ouvrez celui du dernier rappel que vous avez reçu.",
    },
    "en": {
        "title": "No more reminders",
        "ask": "We remind you when a product you bought from us comes to its end. Do you want to stop these reminders?",
        "button": "Stop the reminders",
        "done": "Done. You will not be reminded any more.",
        "gone": "This link is not valid. Open the one in the last reminder that you got.",
    },
}


def ask(gateway: Any, inquiry: Inquiry) -> Response:
    """A page with one button: what opens links in mails by itself changes nothing."""
    words = WORDS[language_of(inquiry)]
    return small_page(inquiry, words["title"], f"<p>{words['ask']}</p>{button(words['button'])}")


def stop(gateway: Any, inquiry: Inquiry) -> Response:
    """The token is the only right of who holds the link; the tenant is where its plan is looked for."""
    gateway.rates.admit_address(inquiry.environ)
    words = WORDS[language_of(inquiry)]
    args = dict(inquiry.args)
    inquiry.principal = Principal("system", "reminder", args.pop("tenant"), via="email")
    answer = pressed(gateway, "order", inquiry.call(args=args))
    if answer is None:
        return not_now(inquiry, words["title"], words["button"])
    return small_page(inquiry, words["title"], f"<p>{words['done' if answer.ok else 'gone']}</p>")


ROUTES = (
    Route("GET", LINK, "Ask whether to stop reminders", STOP_BY_LINK, answer=ask, tag="reminders"),
    Route("POST", LINK, "Stop reminders", STOP_BY_LINK, answer=stop, tag="reminders"),
)
