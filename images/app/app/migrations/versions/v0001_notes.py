"""Organizations and their notes.

Rules for every table that is added: `organization_id bigint` is its sharding key and the first
column of its primary key, which is also what logical replication identifies and filters rows by.
"""

from alembic import op

revision = "0001"
down_revision = None

_STATEMENTS = """
CREATE TABLE organizations (
  organization_id bigint PRIMARY KEY CHECK (organization_id > 0),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'fenced', 'moved')),
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN organizations.state IS
  'active: served here; fenced: being moved, refused for a moment; moved: held by another cell';

-- The app may read and add organizations, but never change a state: a fence holds against the app
-- too. To lock a row it needs the right to update some column; this one decides nothing.
REVOKE ALL ON organizations FROM cell_app;
GRANT SELECT, INSERT (organization_id), UPDATE (created_at) ON organizations TO cell_app;

CREATE TABLE notes (
  organization_id bigint NOT NULL REFERENCES organizations,
  id uuid NOT NULL,
  text text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, id)
);
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(_STATEMENTS)
