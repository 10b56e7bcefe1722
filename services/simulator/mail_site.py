"""The catcher's HTTP side: mails as JSON, raw and on a page; its switches under /faults."""

from pathlib import Path

from services.simulator import mail_page
from services.simulator.catcher import EFFECTS, FILTERS, SmtpServer
from services.simulator.faults import Switches, UnknownSwitch
from services.simulator.http import HttpServer, Request, Response, Routes, json_response
from services.simulator.mailbox import Mailbox, Query, attachments, parsed, payload_of

# A caught mail is a stranger's page: it may run nothing and load nothing.
_POLICY = ("default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
           "frame-src 'self'; frame-ancestors 'self'")
_GUARDED = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class MailSite:
    """Everything behind the two mail ports."""

    def __init__(self, data: Path | None):
        self.mailbox = Mailbox(data / "mails.sqlite" if data else None)
        self.switches = Switches(EFFECTS, FILTERS)
        self._smtp = SmtpServer(self.mailbox, self.switches)
        self._http = HttpServer(self.answer)
        self._routes = Routes([
            ("GET", "/", self._page),
            ("GET", "/health", lambda request: json_response({"status": "ok"})),
            ("GET", "/mails", self._list),
            ("DELETE", "/mails", lambda request: json_response({"deleted": self.mailbox.clear()})),
            ("GET", "/mails/{id}", self._raw),
            ("GET", "/mails/{id}/attachments/{number}", self._attachment),
            ("GET", "/faults", lambda request: json_response({"switches": self.switches.listed()})),
            ("POST", "/faults", lambda request: json_response(self.switches.add(request.json()))),
            ("DELETE", "/faults", lambda request: self._clear()),
            ("DELETE", "/faults/{id}", lambda request, id: self._clear(int(id))),
        ])

    async def listen(self, host: str, smtp_port: int, http_port: int) -> tuple[int, int]:
        """Start both servers; the real SMTP and HTTP ports."""
        return await self._smtp.listen(host, smtp_port), await self._http.listen(host, http_port)

    async def close(self) -> None:
        """Stop at once."""
        self._smtp.close()
        await self._http.close()
        self.mailbox.close()

    async def answer(self, request: Request) -> Response:
        """Answer any request of the port."""
        found = self._routes.find(request.method, request.path)
        if found is None:
            return json_response({"error": "There is no such page."}, 404)
        action, values = found
        try:
            return action(request, **values)
        except UnknownSwitch as error:
            return json_response({"error": str(error)}, 400)
        except ValueError:
            return json_response({"error": "A number or the body of this request cannot be read."}, 400)

    def _list(self, request: Request) -> Response:
        mails = self.mailbox.find(_query(request))
        return json_response({"mails": mails, "total": self.mailbox.count()})

    def _raw(self, request: Request, id: str) -> Response:
        raw = self.mailbox.raw(int(id))
        if raw is None:
            return json_response({"error": "There is no such mail."}, 404)
        # As plain text, not message/rfc822: browsers then show it instead of handing it to another program.
        return Response(200, raw, "text/plain; charset=utf-8", dict(_GUARDED))

    def _attachment(self, request: Request, id: str, number: str) -> Response:
        raw = self.mailbox.raw(int(id))
        parts = attachments(parsed(raw)) if raw is not None else []
        if not 0 <= int(number) < len(parts):
            return json_response({"error": "There is no such attachment."}, 404)
        payload = payload_of(parts[int(number)])
        # Always a download of unknown bytes: the sender's own content type could make the browser run it.
        return Response(200, payload, "application/octet-stream",
                        {**_GUARDED, "Content-Disposition": f'attachment; filename="attachment-{int(number)}"'})

    def _page(self, request: Request) -> Response:
        query, chosen = _query(request), request.query.get("id")
        mail = self.mailbox.get(int(chosen)) if chosen else None
        page = mail_page.page(self.mailbox.find(query), self.mailbox.count(), query, mail, missing=bool(chosen))
        return Response(200, page.encode(), "text/html; charset=utf-8", dict(_GUARDED))

    def _clear(self, number: int | None = None) -> Response:
        self.switches.clear(number)
        return json_response({"switches": self.switches.listed()})


def _query(request: Request) -> Query:
    given = request.query
    limit = max(1, min(int(given.get("limit") or 50), 500))
    return Query(given.get("to") or None, given.get("contains") or None, int(given.get("after") or 0), limit)
