"""Offers are named by their tenant."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command

from services.claim.model import Offer
from services.claim.storage import offers
from shared.storage.engine import Database
from shared.storage.migrate import configuration, migrate
from tests.servers import shared_by_the_run

ROW = {"version": 3, "prev": 2, "seq": 3, "told": '{"recorded": 3}', "seller_id": "sel_1", "product_id": "prd_1"}
ROW |= {"marketplace": "main", "title": "Lamp", "profile": "issue", "published": True}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def test_offers_of_before_are_found_under_their_names(tmp_path, kind):
    url = f"sqlite:///{tmp_path}/claim.db" if kind == "sqlite" else shared_by_the_run().database("offers_of_before")
    database = Database(url)
    with database.transaction() as connection:
        config = configuration("claim")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for id, tenant in (("off_1", "shop"), ("off_2", "other")):
            row = {**ROW, "id": id, "tenant": tenant}
            names = ", ".join(row)
            connection.execute(sa.text(f"insert into offer ({names}) values (:{', :'.join(row)})"), row)

    migrate("claim", url)

    with database.transaction() as connection:
        found = {row["offer_id"]: row for row in connection.execute(sa.select(offers)).mappings()}
    database.dispose()
    assert {name: (row["id"], row["tenant"]) for name, row in found.items()} == {
        "off_1": (Offer.id_for("shop", "off_1"), "shop"),
        "off_2": (Offer.id_for("other", "off_2"), "other"),
    }
    assert (found["off_1"]["version"], found["off_1"]["seq"], found["off_1"]["told"]) == (3, 0, {})
