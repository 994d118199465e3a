"""The migrations, found by Alembic by their place."""
