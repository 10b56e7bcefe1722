"""docs/api.md, from the route table: `python -m services.gateway.api_page > docs/api.md`."""

from __future__ import annotations

from itertools import groupby

from services.gateway.openapi import CODES
from services.gateway.routes import ROUTES
from services.gateway.table import ANY_CALLER, Route

HEAD = """# The HTTP API

Generated from the route table: `python -m services.gateway.api_page > docs/api.md`. Bodies, parameters and answers are
in `/openapi.json` (OpenAPI 3.1) and on the page at `/docs`.

- `Authorization: Bearer` with a JWT, or an API key (`aftersale_sk_…`) there or in `X-Api-Key`. A key with scopes does
  only what they name; who may do what to which thing is decided in each service.
- Refusals are `application/problem+json` with a stable `code`, the `request_id`, and where it applies the `rule`.
- Lists page by `cursor`: send back `next_cursor` until it is null.
- Reads answer an `ETag`; `If-None-Match` answers 304. Sent as `If-Match` it lets a write change only what was read.
- Writes take an `Idempotency-Key`; **key** marks those that need one. The same key again answers the same, once done.
- A page of several services has `warnings`: a part that did not answer is null and named there.
"""


def page() -> str:
    """The whole document."""
    parts = [HEAD]
    for tag, routes in groupby(ROUTES, key=lambda route: route.tag):
        parts.append(f"\n## {tag.capitalize()}\n\n| | | needs | scope |\n|---|---|---|---|\n")
        parts += [_row(route) for route in routes]
    parts.append(f"\n## Codes of the gateway\n\n{', '.join(f'`{code}`' for code in CODES)}. Services add their own.\n")
    return "".join(parts)


def _row(route: Route) -> str:
    needs = [name for name, needed in (("key", route.money), ("If-Match", route.if_match)) if needed]
    scope = {None: "open to everybody", ANY_CALLER: "any"}.get(route.scope, f"`{route.scope}`")
    return f"| `{route.method} {route.path}` | {route.summary} | {', '.join(needs)} | {scope} |\n"


if __name__ == "__main__":
    print(page(), end="")
