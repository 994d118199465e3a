"""Alembic's entry: runs the migrations on the connection that `app.migrate` holds the lock on."""

from alembic import context

from app.migrate import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=SCHEMA,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
