"""Alembic's entry for the claim service."""

from shared.storage.migrate import environment

environment("claim")
