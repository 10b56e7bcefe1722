"""Who may: sets of roles, as operations declare them. What each role's own things are is known to each service.

Customers and sellers own things, staff have those of their tenant, suppliers and observers take part where they were
included. Whatever is neither is foreign: to nobody does it exist.
"""

from __future__ import annotations

from shared.kernel.principal import ROLES, STAFF

CUSTOMER = frozenset({"customer"})
SELLER = frozenset({"seller"})
SELLERS = SELLER | {"integrator"}
SUPPLIER = frozenset({"supplier"})
AGENT = frozenset({"platform_agent"})
PLATFORM = AGENT | {"integrator"}
SENDERS = SELLERS | AGENT
HANDLERS = SELLERS | STAFF
REQUESTERS = CUSTOMER | STAFF
OWNERS = CUSTOMER | HANDLERS
PARTIES = OWNERS | SUPPLIER | {"account_observer"}
SYSTEM = frozenset({"system"})  # the suite's own processes; what comes from outside with a proof of its own
EVERYBODY = frozenset(ROLES) - {"system"}

# On what: things of theirs; something new, in their own tenant; or the same for everybody.
OWN, NEW, ANYTHING = "own", "new", "anything"
