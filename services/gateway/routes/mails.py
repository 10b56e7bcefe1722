"""Masked mail: addresses to write to, where parties write from, the quarantine, and the page that renews an address."""

from __future__ import annotations

import html
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from services.gateway import mail_views, views
from services.gateway.inquiry import Inquiry
from services.gateway.small_pages import button, language_of, not_now, pressed, small_page
from services.gateway.table import Route
from shared.contracts import mail as contract
from shared.kernel.principal import Principal

write = partial(Route, "POST", tag="mail", scope="threads:write")
# The token in the link is the only right of who opens it; the tenant is that of the mail which it belongs to.
ANYBODY = Principal("system", "mail", "mail", via="email")
WORDS = {
    "fr": {
        "title": "Transmettre votre message",
        "ask": "L'adresse à laquelle vous avez écrit a expiré. Confirmez, et votre message rejoint la conversation.",
        "button": "Transmettre mon message",
        "done": "C'est fait. Votre message a rejoint la conversation. Écrivez désormais à :",
        "kept": "Une nouvelle adresse est prête ; votre message attend encore qu'une personne le lise. Écrivez à :",
        "gone": "Ce lien a déjà servi ou a plus de 30 jours. Écrivez depuis la page de votre commande.",
    },
    "en": {
        "title": "Deliver your mail",
        "ask": "The address you wrote to has expired. Confirm, and your mail joins the conversation.",
        "button": "Deliver my mail",
        "done": "Done. Your mail has joined the conversation. From now on, write to:",
        "kept": "A new address is ready; your mail still waits for a person to read it. Write to:",
        "gone": "This link is used up or older than 30 days. Write from the page of your order.",
    },
}


def ask(gateway: Any, inquiry: Inquiry) -> Response:
    """A page with one button: what opens links in mails by itself changes nothing."""
    words = _words(inquiry)
    return _page(inquiry, f"<p>{words['ask']}</p>{button(words['button'])}")


def renew(gateway: Any, inquiry: Inquiry) -> Response:
    """N8: a new address, and the mails that waited are let in."""
    gateway.rates.admit_address(inquiry.environ)
    words = _words(inquiry)
    inquiry.principal = ANYBODY
    answer = pressed(gateway, "messaging", inquiry.call())
    if answer is None:
        return not_now(inquiry, words["title"], words["button"])
    if not answer.ok:
        return _page(inquiry, f"<p>{words['gone']}</p>")
    said = words["done"] if answer.body["released"] else words["kept"]
    return _page(inquiry, f"<p>{said}</p><p><code>{html.escape(answer.body['address'])}</code></p>")


def _words(inquiry: Inquiry) -> dict[str, str]:
    return WORDS[language_of(inquiry)]


def _page(inquiry: Inquiry, body: str) -> Response:
    return small_page(inquiry, _words(inquiry)["title"], body)


ROUTES = (
    write(
        "/v1/orders/{order_id}/alias",
        "The caller's own address for writing about an order",
        contract.ALIAS_ISSUE,
        view=mail_views.Alias(),
    ),
    write(
        "/v1/threads:issue-aliases",
        "The caller's own address on each of many threads",
        contract.ALIAS_ISSUE_MANY,
        view=mail_views.IssuedAliases(),
    ),
    write("/v1/aliases/{alias_id}:revoke", "Stop an address", contract.ALIAS_REVOKE, view=mail_views.RevokedAlias()),
    Route(
        "PUT",
        "/v1/senders/{party}/{ref}",
        "Say from which addresses and domains a party writes",
        contract.SENDERS_REGISTER,
        scope="contacts:write",
        view=mail_views.Senders(),
        tag="mail",
    ),
    Route(
        "GET",
        "/v1/mails",
        "Mails from outside and what became of them, newest first",
        contract.MAIL_LIST,
        scope="threads:read",
        view=views.listing(mail_views.InboundMail),
        tag="mail",
    ),
    write(
        "/v1/mails/{mail_id}:release",
        "Let a quarantined mail in as a message of its holder",
        contract.MAIL_RELEASE,
        view=mail_views.InboundMail(),
    ),
    write(
        "/v1/mails/{mail_id}:dismiss",
        "Send a quarantined mail away: it waits no longer and becomes no message",
        contract.MAIL_DISMISS,
        view=mail_views.InboundMail(),
    ),
    Route(
        "GET", "/mail/renew/{token}", "Ask whether to renew an address", contract.ALIAS_RENEW, answer=ask, tag="mail"
    ),
    Route("POST", "/mail/renew/{token}", "Renew an address", contract.ALIAS_RENEW, answer=renew, tag="mail"),
)
