"""the index by which claims are searched, where the database has such"""

from alembic import op

from services.claim.storage import SEARCH_INDEX

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(SEARCH_INDEX)
