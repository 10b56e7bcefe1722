"""Answer templates: saving, removing, listing, filling in (S3-04)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from services.messaging.composing import queries, wording
from services.messaging.composing.model import Template, template_id
from services.messaging.policies import MODERATORS
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound, NotInThisState
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context

READERS = MODERATORS | {"seller", "integrator"}


def save_template(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A new one, or a new body of the one with this name."""
    owner = _owner(ctx.principal, args["scope"])
    wording.check(args["body"], args["variables"], _origins(ctx.settings))
    named = {name: args[name] for name in ("scope", "locale", "name")}
    id = template_id(ctx.tenant, owner=owner, **named)
    template = ctx.get(Template, id) or Template(
        id=id, tenant=ctx.tenant, owner=owner, body="", updated_at=ctx.now, **named
    )
    ctx.check_version(template)
    template.save(args["body"], sorted(set(args["variables"])), ctx.now)
    ctx.save(template)
    return template_view(template, ctx.principal)


def remove_template(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    template = _known(ctx, args["template_id"])
    if not _administers(ctx.principal, template):
        raise Forbidden()
    ctx.check_version(template)
    if template.removed:
        raise NotInThisState(kind="template", state="removed", action="be removed")
    template.remove(ctx.now)
    ctx.save(template)
    return template_view(template, ctx.principal)


def list_templates(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Those of the tenant, of the caller's seller and of his own."""
    owners = [owner for owner in _owners(ctx.principal) if owner] if ctx.principal.role in READERS else None
    found, more = queries.templates_of(ctx, owners, args) if owners is not None else ([], False)
    page = [template_view(template, ctx.principal) for template in found]
    return {"items": page, "next_cursor": page[-1]["id"] if more else None}


def fill_template(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A draft for the composer: nothing is posted."""
    template = _need(ctx, args["template_id"])
    text, missing = wording.fill(template.body, template.variables, args["values"])
    return {**template_view(template, ctx.principal), "text": text, "missing": missing}


def template_view(template: Template, principal: Principal) -> dict[str, Any]:
    return {
        "id": template.id,
        "name": template.name,
        "locale": template.locale,
        "scope": template.scope,
        "owner": template.owner,
        "body": template.body,
        "variables": template.variables,
        "updated_at": stamp(template.updated_at),
        "version": template.version,
        "allowed_actions": ["template.save", "template.remove"] if _administers(principal, template) else [],
    }


def _known(ctx: Context, id: str) -> Template:
    template = ctx.get(Template, id)
    if template is None or template.owner not in _owners(ctx.principal) or ctx.principal.role not in READERS:
        raise NotFound(kind="template", id=id)
    return template


def _need(ctx: Context, id: str) -> Template:
    template = _known(ctx, id)
    if template.removed:
        raise NotFound(kind="template", id=id)
    return template


def _owners(principal: Principal) -> tuple[str | None, ...]:
    return (None, principal.party, principal.id) if principal.role in ("seller", "integrator") else (None, principal.id)


def _administers(principal: Principal, template: Template) -> bool:
    try:
        return _owner(principal, template.scope) == template.owner
    except Forbidden:
        return False


def _owner(principal: Principal, scope: str) -> str | None:
    """Whose template of this scope the caller may keep (5.1). Raises Forbidden."""
    if scope == "tenant" and principal.role in MODERATORS:
        return None
    if scope == "seller" and principal.role == "seller" and principal.party:
        return principal.party
    if scope == "user" and (principal.role == "seller" or principal.role in MODERATORS):
        return principal.id
    raise Forbidden()


def _origins(settings: Any) -> list[str]:
    """Where templates may link to: this shop, and what the operator names (T31)."""
    named = [settings.public_url, *settings.link_origins.split(",")]
    return [f"{url.scheme}://{url.netloc}" for url in map(urlsplit, named) if url.netloc]
