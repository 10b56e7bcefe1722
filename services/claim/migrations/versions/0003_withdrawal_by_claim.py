"""A claim's history finds its withdrawal without reading all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    said = sa.text("claim_id IS NOT NULL")
    columns = ["tenant", "claim_id"]
    op.create_index("withdrawal_by_claim", "withdrawal", columns, postgresql_where=said, sqlite_where=said)
