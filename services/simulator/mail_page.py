"""The page of the mail catcher: a list, a search, one mail. No script, no outside asset, usable by keyboard alone."""

from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from services.simulator.mailbox import Query

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #888;
  overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; } label { display: block; }
input, button { font: inherit; padding: .3rem .5rem; }
:focus-visible { outline: 3px solid #1a73e8; outline-offset: 2px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #888; padding: .75rem; }
iframe { width: 100%; height: 32rem; border: 1px solid #888; background: #fff; }
"""


def page(mails: list[dict], total: int, query: Query, mail: dict | None, *, missing: bool) -> str:
    """The whole page; `missing` tells that a mail was asked for, so its absence is said."""
    title = f"{mail['subject'] or 'No subject'} - caught mail" if mail else "Caught mails"
    shown = _mail(mail, query) if mail else "<p role='status'>This mail is not kept any more.</p>" if missing else ""
    return (f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<style>{_STYLE}</style></head><body><header><h1>Caught mails</h1>{_search(query)}</header><main>"
            f"{shown}{_list(mails, total, query)}</main></body></html>")


def _search(query: Query) -> str:
    return ("<form role='search' method='get' action='/'>"
            f"<div><label for='to'>Recipient</label><input id='to' name='to' value='{escape(query.to or '')}'></div>"
            "<div><label for='contains'>Contains</label>"
            f"<input id='contains' name='contains' value='{escape(query.contains or '')}'></div>"
            "<button>Search</button></form>")


def _list(mails: list[dict], total: int, query: Query) -> str:
    if not mails:
        return f"<section><h2>Mails</h2><p role='status'>No mail fits; {total} are kept.</p></section>"
    rows = "".join(_row(mail, query) for mail in mails)
    return ("<section><h2>Mails</h2><table>"
            f"<caption>{len(mails)} of {total} kept, newest first</caption><thead><tr><th scope='col'>Received (UTC)"
            "</th><th scope='col'>Recipients</th><th scope='col'>Subject</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></section>")


def _row(mail: dict, query: Query) -> str:
    link = _address(query, mail["id"])
    return (f"<tr><td>{_time(mail['received'])}</td><td>{escape(', '.join(mail['to']))}</td>"
            f"<td><a href='{escape(link)}'>{escape(mail['subject'] or '(no subject)')}</a></td></tr>")


def _mail(mail: dict, query: Query) -> str:
    facts = "".join(f"<tr><th scope='row'>{name}</th><td>{escape(value)}</td></tr>" for name, value in (
        ("From", mail["from"]), ("To", ", ".join(mail["to"])), ("Received (UTC)", _time(mail["received"]))))
    parts = [f"<article aria-labelledby='subject'><h2 id='subject'>{escape(mail['subject'] or '(no subject)')}</h2>",
             f"<table><caption>Envelope</caption><tbody>{facts}</tbody></table>", _attachments(mail)]
    if mail["html"]:
        parts.append("<h3>HTML</h3><iframe sandbox title='The mail as HTML' "
                     f"srcdoc='{escape(mail['html'])}'></iframe>")
    if mail["text"]:
        parts.append(f"<h3>Text</h3><pre>{escape(mail['text'])}</pre>")
    headers = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>"
                      for name, value in mail["headers"])
    parts.append("<details><summary>All headers</summary><table><caption>Headers as sent</caption>"
                 f"<tbody>{headers}</tbody></table></details>"
                 f"<p><a href='/mails/{mail['id']}'>The mail as it came</a></p></article>")
    return "".join(parts)


def _attachments(mail: dict) -> str:
    if not mail["attachments"]:
        return ""
    items = "".join(
        f"<li><a href='/mails/{mail['id']}/attachments/{number}'>{escape(part['filename'] or 'unnamed')}</a> "
        f"({escape(part['content_type'])}, {part['size']} bytes)</li>"
        for number, part in enumerate(mail["attachments"]))
    return f"<h3>Attachments</h3><ul>{items}</ul>"


def _address(query: Query, id: int) -> str:
    kept = {name: value for name, value in (("to", query.to), ("contains", query.contains)) if value}
    return "/?" + urlencode({**kept, "id": id})


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
