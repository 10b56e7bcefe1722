"""offers are named by their tenant: two tenants may use the same name"""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
OFFERS = sa.table(
    "offer", sa.column("id"), sa.column("tenant"), sa.column("offer_id"), sa.column("seq"), sa.column("told", sa.JSON)
)


def upgrade() -> None:
    op.add_column("offer", sa.Column("offer_id", sa.String(64)))
    connection = op.get_bind()
    for old, tenant in connection.execute(sa.select(OFFERS.c.id, OFFERS.c.tenant)).all():
        id = "off_" + sha256(f"{tenant}\n{old}".encode()).hexdigest()[:32]
        fresh = {"id": id, "offer_id": old, "seq": 0, "told": {}}  # under its new id it is a new stream
        connection.execute(OFFERS.update().where(OFFERS.c.id == old).values(**fresh))
    with op.batch_alter_table("offer") as batch:
        batch.alter_column("offer_id", existing_type=sa.String(64), nullable=False)
