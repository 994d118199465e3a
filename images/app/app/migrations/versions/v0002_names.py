"""The name of each organization, beside its id: an id that is used again shows nobody's rows.

Rows that are there already get their name from their first request.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = """
ALTER TABLE organizations ADD COLUMN name text CHECK (name <> '');
COMMENT ON COLUMN organizations.name IS
  'who has the id: requests with another name are refused; never changed once it is known';

CREATE FUNCTION refuse_another_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'organization % is %: its name never changes', OLD.organization_id, OLD.name
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER refuse_another_name BEFORE UPDATE ON organizations FOR EACH ROW
  WHEN (OLD.name IS DISTINCT FROM NEW.name AND OLD.name IS NOT NULL)
  EXECUTE FUNCTION refuse_another_name();

GRANT INSERT (name), UPDATE (name) ON organizations TO cell_app;
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(_STATEMENTS)
