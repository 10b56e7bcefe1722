"""Answer templates: only text and the names of known variables, nothing that could run (S3-04, T30, T31)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.kernel.errors import Refusal

VARIABLES: dict[str, dict[str, str]] = {
    "author_name": {"en": "Who writes", "fr": "Qui écrit"},
    "customer_name": {"en": "The customer", "fr": "Le client"},
    "order_number": {"en": "Number of the order", "fr": "Numéro de la commande"},
    "claim_number": {"en": "Number of the claim", "fr": "Numéro de la demande"},
    "claim_title": {"en": "Subject of the claim", "fr": "Objet de la demande"},
    "products": {"en": "The products of the order", "fr": "Les produits de la commande"},
}

LINK = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|javascript:|data:|www\.)\S*", re.IGNORECASE)


class TemplateVariableUnknown(Refusal):
    """These variables are not known or not declared: {names}. Known are {known}."""

    code, status, rule = "TEMPLATE_VARIABLE_UNKNOWN", 422, "S3-04"


class TemplateUnsafe(Refusal):
    """A template holds text and variables as {{{{ order_number }}}} only: see line {line}."""

    code, status, rule = "TEMPLATE_UNSAFE", 422, "T30"


class TemplateLink(Refusal):
    """Templates link to this shop only: leave out {link}."""

    code, status, rule = "TEMPLATE_LINK", 422, "T31"


def check(body: str, declared: Iterable[str], origins: Iterable[str]) -> None:
    """Raises TemplateUnsafe, TemplateVariableUnknown, TemplateLink."""
    used = _used(body)
    wrong = sorted((used - set(declared)) | (set(declared) - VARIABLES.keys()))
    if wrong:
        raise TemplateVariableUnknown(names=", ".join(wrong), known=", ".join(VARIABLES))
    for found in LINK.findall(body):
        if "{{" in found or not any(found == origin or found.startswith(origin + "/") for origin in origins):
            raise TemplateLink(link=found[:80])


def _used(body: str) -> set[str]:
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(body)
        inside = list(tree.find_all(nodes.Node))
    except TemplateSyntaxError as wrong:
        raise TemplateUnsafe(line=wrong.lineno) from None
    except RecursionError:
        raise TemplateUnsafe(line=1) from None
    for node in inside:
        if not isinstance(node, (nodes.Output, nodes.TemplateData, nodes.Name)):
            raise TemplateUnsafe(line=node.lineno)
    return {node.name for node in inside if isinstance(node, nodes.Name)}


def fill(body: str, variables: Iterable[str], values: Mapping[str, str]) -> tuple[str, list[str]]:
    """The draft, and the variables that nobody gave a value for: they stand in it as [order_number].

    Values are text, never template: braces in a customer's name stay braces.
    """
    missing = [name for name in variables if not values.get(name)]
    known = {name: values.get(name) or f"[{name}]" for name in variables}
    return _environment().from_string(body).render(known), missing


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    return environment
