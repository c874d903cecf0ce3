"""Alembic's steps from one schema of the catalogue to the next; the newest is `catalogue.SCHEMA`."""
