"""Who plays in the demo: their roles, how to reach them, and which language they read."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kernel.principal import Principal

TENANT = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """party: whom he or she stands for (a customer's ref, a seller's or supplier's id); None for staff."""

    role: str
    id: str
    name: str
    email: str
    locale: str
    party: str | None = None

    @property
    def principal(self) -> Principal:
        return Principal(self.role, self.id, TENANT, self.party, name=self.name)

    @property
    def contact(self) -> dict[str, str]:
        """Arguments of contact.record: staff are known by their own id, the others by whom they stand for."""
        party = "platform" if self.role == "platform_agent" else self.role
        ref = self.party or self.id
        return {"party": party, "ref": ref, "name": self.name, "email": self.email, "locale": self.locale}

    @property
    def as_customer(self) -> dict[str, str]:
        """The customer of an order."""
        return {"ref": self.party or self.id, "name": self.name, "email": self.email, "locale": self.locale}


CAMILLE = Person("customer", "usr_camille", "Camille Moreau", "camille@courriel.example", "fr", "cus_camille")
OLIVER = Person("customer", "usr_oliver", "Oliver Bennett", "oliver@post.example", "en", "cus_oliver")
LEA = Person("seller", "usr_lea", "Léa Fontaine", "lea@atelier-lumiere.example", "fr", "sel_atelier_lumiere")
HARRY = Person("seller", "usr_harry", "Harry Webb", "harry@harbour-loom.example", "en", "sel_harbour_loom")
MARC = Person("supplier", "usr_marc", "Marc Rousset", "marc@verrerie-jura.example", "fr", "sup_verrerie_jura")
INES = Person("coordinator", "coo_ines", "Inès Laurent", "ines@maison.example", "fr")
JAMES = Person("coordinator", "coo_james", "James Carter", "james@maison.example", "en")
SOFIA = Person("platform_agent", "agt_sofia", "Sofia Ricci", "sofia@maison.example", "en")
SHOP = Person("integrator", "key_shop", "The shop's own system", "shop@maison.example", "en")

REACHED = (LEA, HARRY, MARC, INES, JAMES, SOFIA)
"""Whose contacts are recorded at the start; customers' come with their orders."""

LOG_INS = (CAMILLE, LEA, MARC, INES, SOFIA, SHOP)
"""One per role: who gets a token. What they see differs."""
