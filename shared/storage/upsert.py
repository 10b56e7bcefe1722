"""INSERT … ON CONFLICT in the words of both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(dialect: str) -> Callable[[sa.Table], Any]:
    return (sqlite if dialect == "sqlite" else postgresql).insert
