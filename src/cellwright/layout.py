"""What stands where in a workspace, by path below its folder, and what definitions are called."""

API_VERSION = "cellwright/v1"
KINDS = ("Fleet", "Cell", "Organization")

ORGANIZATIONS = "organizations"
DEFINITIONS = ("cells", ORGANIZATIONS)
"""The folders of definitions."""
LEDGER = "organizations/assignments.csv"
"""The file in which the cells of organizations stand that name none."""
TEMPLATES = "templates"
"""The folder of the workspace's own templates."""
VALUES_SCHEMA = "schemas/values.json"
"""The schema of `spec.values`, if the workspace has one."""
API_TYPES = "schemas/kubernetes"
"""The folder of the types of clusters, each in a file with the cluster's name."""
