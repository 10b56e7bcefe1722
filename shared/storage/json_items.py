"""Looking into a list that a row keeps as JSON: for counting, where reading every row into the process would not do."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


class JsonItems:
    """The objects in a `Json` column that holds a list, one row for each; join on `source`, ask for `text(name)`."""

    def __init__(self, column: sa.Column, dialect: str, name: str) -> None:
        if dialect == "sqlite":
            self.source: Any = sa.func.json_each(column).table_valued("value", name=f"{name}_item")
        else:
            items = sa.func.json_array_elements(sa.cast(column, sa.JSON))
            self.source = items.table_valued(sa.column("value", sa.JSON), name=f"{name}_item")
        self._dialect = dialect

    def text(self, name: str) -> sa.ColumnElement[str]:
        """This field of the object as text."""
        if self._dialect == "sqlite":
            return sa.func.json_extract(self.source.c.value, f"$.{name}")
        return sa.func.json_extract_path_text(self.source.c.value, name)
