"""Whom the cell serves is the placement's word: the app adds no organization and gives no name.

`organizations` gets a row for each organization that the cell was given, and `organization_visits`
one for each that an override sends here and whose writes are refused. Both are written by
cell_placement, which may add rows, give a name where there is none, and end visits.

An app of the version before can't add an organization any more; it serves those that have a row.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = """
DO $$ BEGIN
  -- An error that is waited for: Postgres of this release makes the role when it starts.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cell_placement') THEN
    RAISE EXCEPTION 'the role cell_placement is not there yet' USING ERRCODE = 'cannot_connect_now';
  END IF;
END $$;

-- What is left lets it lock a row: for that it needs the right to update some column, and
-- created_at decides nothing.
REVOKE INSERT (organization_id, name), UPDATE (name) ON organizations FROM cell_app;

GRANT SELECT, INSERT (organization_id, name), UPDATE (name) ON organizations TO cell_placement;
CREATE POLICY placement_sees ON organizations FOR SELECT TO cell_placement USING (true);
CREATE POLICY placement_adds ON organizations FOR INSERT TO cell_placement
  WITH CHECK (state = 'active');
CREATE POLICY placement_names ON organizations FOR UPDATE TO cell_placement
  USING (name IS NULL) WITH CHECK (name IS NOT NULL);

CREATE TABLE organization_visits (
  organization_id bigint PRIMARY KEY CHECK (organization_id > 0),
  name text NOT NULL CHECK (name <> ''),
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE organization_visits IS
  'who is sent here by an override: reads are answered, writes are refused';
REVOKE ALL ON organization_visits FROM cell_app;
GRANT SELECT ON organization_visits TO cell_app;
GRANT SELECT, INSERT (organization_id, name), DELETE ON organization_visits TO cell_placement;
ALTER TABLE organization_visits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON organization_visits
  USING (organization_id = nullif(current_setting('cellwright.organization_id', true), '')::bigint);
CREATE POLICY all_rows_of_the_owner ON organization_visits TO cell_owner
  USING (session_user = 'cell_owner');
CREATE POLICY placement_decides ON organization_visits TO cell_placement USING (true);
"""


def upgrade() -> None:
    """Change who may write, and add the table of visits; no row is touched."""
    op.execute(_STATEMENTS)
