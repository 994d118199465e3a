"""Rows are shown to their own organization alone, also where a statement forgets to name it.

Rule for every table that is added: what is done to `notes` here. The app says for each transaction
whose it is (`cellwright.organization_id`); without that it sees no rows and may write none.

FORCE, since a view or a SECURITY DEFINER function that a migration adds would else see everything
on the app's behalf. Whoever has logged in as the owner, as migrations do, sees all rows.

An app of the version before does not say whose its transactions are, and is shown nothing.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Of the setting an empty text is left when the transaction ends that has made it.
CREATE POLICY own_rows ON {table}
  USING (organization_id = nullif(current_setting('cellwright.organization_id', true), '')::bigint);
CREATE POLICY all_rows_of_the_owner ON {table} TO cell_owner USING (session_user = 'cell_owner');
"""


def upgrade() -> None:
    """Add the policies; no row is touched."""
    for table in ("organizations", "notes"):
        op.execute(_STATEMENTS.format(table=table))
