"""What each code of a problem means, with a wrong and a right example.

The examples are whole files. They stand in a workspace that has the cells `alpha` (id 1, region
eu) and `beta` (id 2, region us), the organization `acme` and a fleet of rings -1, 0 and 1; the
tests check that the wrong one gives its code there and nothing else, and the right one nothing.
Those of changes (CW4xx) take the place of that workspace's own file. One long module, since it is
one table of texts. Refuses to find problems.
"""

from dataclasses import dataclass

_NEW = "organizations/new.yaml"
_GAMMA = "cells/gamma.yaml"
_LEDGER = "organizations/assignments.csv"
_TEMPLATE = "templates/extra/settings.yaml.j2"
_PATCH = "templates/patches/app.yaml.j2"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem: in a line, at length, and shown in the file `file`.

    Without a `file` the examples are sentences.
    """

    summary: str
    explanation: str
    file: str
    wrong: str
    right: str


def _organization(name: str, spec: str) -> str:
    return _definition("Organization", name, spec)


def _cell(name: str, number: int, more: str = "", ring: int = 1) -> str:
    place = f"id: {number}, ring: {ring}, region: eu, cluster: local, size: small"
    return _definition("Cell", name, place + more)


def _definition(kind: str, name: str, spec: str) -> str:
    head = f"apiVersion: cellwright/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{{spec}}}\n"


def _settings(data: str) -> str:
    head = "apiVersion: v1\nkind: ConfigMap\n"
    return f"{head}metadata: {{name: settings, namespace: {{{{ cell.namespace }}}}}}\n{data}\n"


_READING = {
    "CW001": Code(
        "a file or folder that can't be read",
        "Everything in cells/ and organizations/ counts, so what can't be read is not passed "
        "over: a link that leads nowhere or to itself, a folder named like a file, a pipe, a "
        "file without permission.",
        "",
        "cells/alpha.yaml is a symbolic link to itself",
        "cells/alpha.yaml is a regular file, or a link to one",
    ),
    "CW002": Code(
        "not YAML or JSON",
        "The text breaks the rules of its format, so nothing in it can be trusted: wrong "
        "indentation, an open quote, bytes that are not UTF-8, a byte order mark, a control "
        "character. YAML is read by version 1.2, JSON lines hold one object on each line.",
        _NEW,
        _organization("new", "id: 2001, cell: 'alpha"),
        _organization("new", "id: 2001, cell: 'alpha'"),
    ),
    "CW003": Code(
        "a key stands twice in one mapping",
        "Readers differ in whether the first or the last one counts, and whoever edits one of "
        "them may not see the other.",
        _NEW,
        _organization("new", "id: 2001, cell: alpha, cell: beta"),
        _organization("new", "id: 2001, cell: alpha"),
    ),
    "CW004": Code(
        "text or a number that readers understand differently",
        "YAML 1.1 and 1.2 take `no`, `1e3`, `0o7`, `12:30`, dates and others for different "
        "things, and editors indent by a tab as they like. Text belongs in quotes; numbers are "
        "plain decimals, whole ones without a fraction and below 2^53.",
        _NEW,
        _organization("new", "id: 2001, path: no"),
        _organization("new", 'id: 2001, path: "no"'),
    ),
    "CW005": Code(
        "an anchor, alias, tag, merge key or directive",
        "They make one text stand for another, which no review sees, and a few lines of them "
        "can grow to gigabytes. What cells share belongs in the fleet and its size classes.",
        _NEW,
        _organization("new", "id: 2001, hosts: &all [new.example.com]"),
        _organization("new", "id: 2001, hosts: [new.example.com]"),
    ),
    "CW006": Code(
        "not a definition",
        "Each document is a mapping with apiVersion, kind, metadata and spec. An empty file is "
        "more often an accident than a wish: delete it if nothing is declared there.",
        _NEW,
        "- apiVersion: cellwright/v1\n- kind: Organization\n",
        _organization("new", "id: 2001"),
    ),
    "CW007": Code(
        "a file or document that is too large or nested too deep",
        "A document has at most 1 MiB and 50 levels, a file 256 MiB. Bulk organizations are "
        "best kept in several files of JSON lines.",
        _NEW,
        "[" * 60 + "]" * 60 + "\n",
        _organization("new", "id: 2001"),
    ),
    "CW008": Code(
        "a file that nothing reads",
        "Definitions end in .yaml, .yml or .jsonl; the ledger is assignments.csv. Any other "
        "file there would be passed over unnoticed. Names that start with a dot and .md files "
        "are left alone.",
        "organizations/new.yalm",
        _organization("new", "id: 2001"),
        "",
    ),
}

_SHAPE = {
    "CW101": Code(
        "a value of the wrong type",
        "The schema of the kind expects another type here: text, a whole number, a list, a "
        "mapping, true or false.",
        _NEW,
        _organization("new", 'id: "2001"'),
        _organization("new", "id: 2001"),
    ),
    "CW102": Code(
        "an unknown key",
        "The kind has no such field. Nothing is passed over, since a misspelt key would leave a "
        "default in force that nobody asked for.",
        _NEW,
        _organization("new", "id: 2001, cel: alpha"),
        _organization("new", "id: 2001, cell: alpha"),
    ),
    "CW103": Code(
        "a missing key",
        "The field has no default and must be there.",
        _NEW,
        _organization("new", "cell: alpha"),
        _organization("new", "id: 2001, cell: alpha"),
    ),
    "CW104": Code(
        "a value that is not allowed",
        "The value has the right type, but is not one of those allowed: an unknown word, a "
        "number out of range, too few or too many items, an item that stands twice.",
        _NEW,
        _organization("new", "id: 0"),
        _organization("new", "id: 2001"),
    ),
    "CW105": Code(
        "text of the wrong form",
        "Names are DNS labels in lower case, hosts are DNS names, quantities are Kubernetes' "
        "(100m, 512Mi), durations have a unit (90s), images a tag or digest, networks are CIDR.",
        _NEW,
        _organization("New", "id: 2001"),
        _organization("new", "id: 2001"),
    ),
}

_WHOLE = {
    "CW201": Code(
        "a name is used twice",
        "Cells have names of their own, and so have organizations, across all files.",
        _NEW,
        _organization("acme", "id: 2001, path: other"),
        _organization("other", "id: 2001"),
    ),
    "CW202": Code(
        "an id is used twice",
        "The id of an organization is the key of its rows in every database, the id of a cell "
        "part of its ports: two of a kind never share one.",
        _NEW,
        _organization("new", "id: 1001"),
        _organization("new", "id: 2001"),
    ),
    "CW203": Code(
        "an organization's path is used twice",
        "`/o/<path>/` leads to one organization. The path is its name unless it says otherwise.",
        _NEW,
        _organization("new", "id: 2001, path: acme"),
        _organization("new", "id: 2001, path: new"),
    ),
    "CW204": Code(
        "an organization's host is used twice",
        "Requests to a host go to one organization.",
        _NEW,
        _organization("new", "id: 2001, hosts: [acme.example.com]"),
        _organization("new", "id: 2001, hosts: [new.example.com]"),
    ),
    "CW205": Code(
        "a name that is not declared",
        "Cells are named by organizations and the ledger; regions, clusters, size classes, "
        "rings and tiers are declared by the fleet. The hint names what comes nearest.",
        _NEW,
        _organization("new", "id: 2001, cell: alhpa"),
        _organization("new", "id: 2001, cell: alpha"),
    ),
    "CW206": Code(
        "id ranges overlap or are empty",
        "Rows move between cells, so no two databases may ever give out the same value.",
        _GAMMA,
        _cell("gamma", 3, ", idRange: {first: 2000, last: 1000}"),
        _cell("gamma", 3, ", idRange: {first: 1000, last: 2000}"),
    ),
    "CW207": Code(
        "a cell holds more organizations than its capacity",
        "spec.capacity.organizations of the cell is a limit, 100000 unless given. Raise it, or "
        "put organizations on other cells.",
        "cells/alpha.yaml",
        _cell("alpha", 1, ", capacity: {organizations: 0}"),
        _cell("alpha", 1, ", capacity: {organizations: 500}"),
    ),
    "CW208": Code(
        "rings out of order",
        "The fleet lists its rings in the order of roll-out, which is ascending.",
        "",
        "rings: [-1, 1, 0]",
        "rings: [-1, 0, 1]",
    ),
    "CW209": Code(
        "a cell is outside of the organization's residency",
        "The organization names the regions that its data may be in, and its cell is in "
        "another one.",
        _NEW,
        _organization("new", "id: 2001, cell: beta, residency: [eu]"),
        _organization("new", "id: 2001, cell: alpha, residency: [eu]"),
    ),
    "CW210": Code(
        "a workspace without exactly one fleet",
        "What cells share is declared once, by the one document of kind Fleet.",
        "",
        "cells/fleet.yaml and cells/old-fleet.yaml both hold a Fleet",
        "cells/fleet.yaml alone holds a Fleet",
    ),
    "CW211": Code(
        "an organization on a cell in quarantine",
        "A cell of ring -1 may be torn down at any time, so nobody may live there.",
        "cells/alpha.yaml",
        _cell("alpha", 1, ring=-1),
        _cell("alpha", 1, ring=0),
    ),
    "CW212": Code(
        "a workload whose size is not settled",
        "The cell and its size class together must give storage, resources and replicas, and "
        "either a number of replicas or autoscale.",
        _GAMMA,
        _cell("gamma", 3, ", app: {autoscale: {min: 5, max: 2}}"),
        _cell("gamma", 3, ", app: {autoscale: {min: 2, max: 5}}"),
    ),
    "CW213": Code(
        "a router's port that can't be a port of the nodes",
        "With routers of type NodePort a cell's port is nodePortBase plus its id, and its port for "
        "TLS, if it has one, tlsNodePortBase plus its id; each at most 32767, and none twice. The "
        "port of its routerAddress is for other routers alone.",
        _GAMMA,
        _cell("gamma", 3000),
        _cell("gamma", 3),
    ),
    "CW214": Code(
        "the ledger and a definition name different cells",
        "An organization lives where its spec.cell says, or the ledger "
        "(organizations/assignments.csv) if it says nothing. If both speak, they must agree.",
        _LEDGER,
        "organization,cell\nacme,beta\n",
        "organization,cell\nacme,alpha\n",
    ),
    "CW215": Code(
        "a line of the ledger that can't be read",
        "The ledger starts with the line `organization,cell`; each line after it holds two "
        "names, without quotes or spaces, and each organization once.",
        _LEDGER,
        "organization,cell\nacme alpha\n",
        "organization,cell\nacme,alpha\n",
    ),
    "CW216": Code(
        "an organization that is not placed",
        "It names no cell and the ledger has no line for it. That is no mistake in the "
        "definitions, but nothing can be applied: `cellwright place --write` chooses a cell. Of "
        "many such organizations the first twenty are named, and the rest counted.",
        _NEW,
        _organization("new", "id: 2001"),
        _organization("new", "id: 2001, cell: alpha"),
    ),
    "CW217": Code(
        "a limit below the request",
        "Kubernetes refuses containers that may use less than they ask for.",
        _GAMMA,
        _cell("gamma", 3, ", app: {resources: {cpu: 1m, memory: 2Gi, memoryLimit: 512Mi}}"),
        _cell("gamma", 3, ", app: {resources: {cpu: 1m, memory: 2Gi, memoryLimit: 4Gi}}"),
    ),
    "CW218": Code(
        "two cells share a router's address",
        "routerAddress tells where other clusters reach the router of this cell; two cells "
        "with one address would get each other's requests.",
        "",
        "cells/alpha.yaml and cells/beta.yaml both say host cells.example.com, port 80",
        "cells/beta.yaml says host beta.cells.example.com",
    ),
    "CW219": Code(
        "networks that limit nothing",
        "routers.sourceRanges is what a load balancer is told. Routers of another type would be "
        "reached from anywhere all the same.",
        "",
        "routers: {type: NodePort, sourceRanges: [10.0.0.0/8]}",
        "routers: {type: LoadBalancer, sourceRanges: [10.0.0.0/8]}",
    ),
    "CW220": Code(
        "values that do not fit the workspace's own schema",
        "schemas/values.json, where there is one, says what spec.values of the fleet and of a "
        "cell may hold together.",
        "",
        "values: {retention: 30}, where schemas/values.json asks for text",
        "values: {retention: 30d}",
    ),
    "CW221": Code(
        "a schema that is not a schema",
        "schemas/values.json must be a JSON Schema of version 2020-12, complete in itself.",
        "schemas/values.json",
        '{"type": "mapping"}',
        '{"type": "object"}',
    ),
    "CW222": Code(
        "a retryAfter that nobody is told",
        "spec.retryAfter is when clients should come again after a maintenance. An organization "
        "in another state tells nobody.",
        _NEW,
        _organization("new", "id: 2001, cell: alpha, retryAfter: 15m"),
        _organization("new", "id: 2001, cell: alpha, state: maintenance, retryAfter: 15m"),
    ),
    "CW223": Code(
        "a rule that is never asked",
        "The rule default applies to every request, so that it must be the last one. Headers in "
        "which clients could say where they come from (docs/routing.md) are taken off before the "
        "rules are asked.",
        "",
        "rules: [{by: default, cell: alpha}, {by: host}]",
        "rules: [{by: host}, {by: default, cell: alpha}]",
    ),
    "CW224": Code(
        "rows that moved from a cell to itself",
        "spec.moved names the cell that an organization has lived on until now, so it can't be "
        "the one that it lives on.",
        _NEW,
        _organization("new", "id: 2001, cell: alpha, moved: {from: alpha, reason: a test}"),
        _organization("new", "id: 2001, cell: alpha, moved: {from: beta, reason: a test}"),
    ),
    "CW225": Code(
        "a router that does not fit its memory",
        "Half of its memory limit is for connections and requests, 112 KiB for each. More would "
        "let clients end it by asking.",
        _GAMMA,
        _cell("gamma", 3, ", router: {connections: 20000}"),
        _cell("gamma", 3, ", router: {connections: 400}"),
    ),
    "CW230": Code(
        "a cluster without a context",
        "Which cluster the kubeconfig's current context means changes with every "
        "`kubectl config use-context`, so that a fleet could be applied to the wrong one. Only the "
        "local fleet may leave it open: one whose single cluster is called local.",
        "",
        "clusters: {prod-eu: {}}",
        "clusters: {prod-eu: {context: prod-eu}}",
    ),
    "CW231": Code(
        "two names for one cluster",
        "Each name has a directory of its own, and both would be kept in the same ConfigMaps.",
        "",
        "clusters: {eu: {context: prod}, us: {context: prod}}",
        "clusters: {eu: {context: prod-eu}, us: {context: prod-us}}",
    ),
    "CW235": Code(
        "a network of the API server takes in addresses of others",
        "Link-local addresses, and those at which clouds give machines their credentials, are "
        "never reached by a router, so that whoever takes one over gets none of them.",
        "",
        "clusters: {local: {apiServer: [169.254.0.0/16]}}",
        "clusters: {local: {apiServer: [10.0.0.10/32]}}",
    ),
    "CW236": Code(
        "an image without its digest, where the fleet asks for it",
        "A tag can be pushed again. Nodes that have the old content go on with it, others get the "
        "new one, and the migration that belongs to it does not run. `spec.images.pinned` asks for "
        "digests, which can't change.",
        "",
        "images: {pinned: true, app: example.com/app:1.2}",
        "images: {pinned: true, app: example.com/app:1.2@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5…}",
    ),
}

_RENDERED = {
    "CW301": Code(
        "a template can't be rendered",
        "The template has a mistake in its syntax, or asks for something that there is not. A "
        "secret is not known yet either: it can be put into text and encoded, nothing else.",
        _TEMPLATE,
        _settings("data: {region: {{ cell.reigon }}}"),
        _settings("data: {region: {{ cell.region }}}"),
    ),
    "CW302": Code(
        "a rendered manifest is not valid",
        "What a template made is no Kubernetes object, or one that its stack may not hold: an "
        "object in a namespace of others, a secret outside of the values of a Secret, or one in "
        "its data that is not in base64.",
        _TEMPLATE,
        _settings('data: {key: {{ secret("api-key") }}}'),
        _settings("data: {}"),
    ),
    "CW303": Code(
        "two manifests for one object",
        "The second would overwrite the first at every run, and the first the second.",
        _TEMPLATE,
        _settings("---") + _settings(""),
        _settings(""),
    ),
    "CW304": Code(
        "a field that Kubernetes does not know",
        "Each manifest is held against the types of the Kubernetes version in use: those that "
        "are shipped, or a cluster's own in schemas/kubernetes/.",
        _TEMPLATE,
        _settings("dta: {region: eu}"),
        _settings("data: {region: eu}"),
    ),
    "CW305": Code(
        "a value that Kubernetes does not take",
        "The field is known, but holds a value of another type, or one that is none of those "
        "that Kubernetes knows; or a field is missing that must be there.",
        _TEMPLATE,
        _settings("data: {cell: {{ cell.id }}}"),
        _settings("data: {cell: {{ cell.id | string }}}"),
    ),
    "CW306": Code(
        "a kind that Kubernetes does not know",
        "The shipped types are those of Kubernetes itself. Kinds that a cluster has beyond them "
        "become known when `cellwright types` has taken that cluster's own.",
        _TEMPLATE,
        _settings("data: {}").replace("ConfigMap", "ConfgMap"),
        _settings("data: {}"),
    ),
    "CW307": Code(
        "a patch that fits no manifest",
        "A template below a folder patches/ changes the manifest of the same apiVersion, kind "
        "and name. Items of lists that Kubernetes tells apart by a key need that key.",
        _PATCH,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ap}\nspec: {replicas: 2}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {replicas: 2}\n",
    ),
    "CW310": Code(
        "a template that is refused",
        "Values are safe because they are filled in after the text around them has been read. So "
        "a template may not take hold of text that it has written (macros, assigned or filtered "
        "blocks), and uses only names, filters and templates that there are.",
        _TEMPLATE,
        _settings("data: {region: {{ cell.region | indent }}}"),
        _settings("data: {region: {{ cell.region | upper }}}"),
    ),
    "CW311": Code(
        "an expression that is not a whole value",
        "Beside other text, in quotes, in a key or in a comment, a value could be read as "
        "something else. Make the whole value with an expression. Inside of a text in the "
        "stringData of a Secret, an expression may give secrets and words: letters, digits and "
        "._:/@- alone.",
        _TEMPLATE,
        _settings("data: {host: db.{{ cell.region }}.example.com}"),
        _settings('data: {host: {{ "db." ~ cell.region ~ ".example.com" }}}'),
    ),
}

_CHANGES = {
    "CW401": Code(
        "an id that was changed",
        "The id of a cell is part of its ports, the id of an organization is the key of its "
        "rows. Neither can change once it is in use. A cluster tells the id of a cell by labels "
        "of its namespace, database and volume claim; one that was changed by hand is to be set "
        "back.",
        "cells/alpha.yaml",
        _cell("alpha", 9),
        _cell("alpha", 1),
    ),
    "CW402": Code(
        "an id that belonged to another",
        "Ids are never used twice, also when whoever had one is gone: rows, backups and logs "
        "still carry it. The clusters remember the ids of organizations and cells that were "
        "removed. A cell may come back under its own name and id as long as its namespace is "
        "there.",
        "",
        "cell beta with id 2 is deleted, and the new cell gamma gets id 2",
        "the new cell gamma gets id 3",
    ),
    "CW403": Code(
        "another major version of Postgres",
        "Postgres can't read the files of another major version. Make a new cell with the new "
        "version and move the organizations there.",
        "",
        "postgres.version of a cell goes from 17 to 18",
        "a new cell has postgres.version 18",
    ),
    "CW404": Code(
        "storage that shrinks",
        "Kubernetes can make a volume larger, never smaller. Make a new cell with less storage "
        "and move the organizations there. More storage is no problem: `cellwright up` makes the "
        "volume larger while Postgres runs.",
        "cells/alpha.yaml",
        _cell("alpha", 1, ", postgres: {storage: 500Mi}"),
        _cell("alpha", 1, ", postgres: {storage: 2Gi}"),
    ),
    "CW405": Code(
        "data that would have to move by itself",
        "A volume stays in its cluster and its storage class. Make a new cell there and move "
        "the organizations to it. The name of a cluster and the fleet's namespacePrefix never "
        "change either: what stands under the old one would be deleted.",
        "cells/alpha.yaml",
        _cell("alpha", 1, ", postgres: {storageClass: fast}"),
        _cell("alpha", 1, ", postgres: {maxConnections: 99}"),
    ),
    "CW406": Code(
        "something protected would be made anew",
        "Some fields of a StatefulSet or a volume's claim can't be changed, so a new one would "
        "take its place. Pulumi refuses that for cells that are in service or hold "
        "organizations; `up` says so before anything is touched. A volume that grows is "
        "different: `cellwright up` raises the ResourceQuota and the claim, takes the StatefulSet "
        "away while its pod goes on, and makes it again with the new size. A typed `pulumi up` "
        "can't do that, so it is refused. A StatefulSet with volumes that is declared no more is "
        "not deleted either: delete it with kubectl, then `cellwright up --all` forgets it.",
        "",
        "a patch changes podManagementPolicy of the StatefulSet of a cell that is in service",
        "the patch is left out, or is for a new cell",
    ),
    "CW407": Code(
        "an organization whose rows would stay behind",
        "Requests would go to the new cell, whose database has none of the organization's rows, "
        "and what is written there would split it. Move the rows first (docs/placement.md says in "
        "which order); then spec.moved names the cell that they came from. An override sends "
        "requests elsewhere without that.",
        "organizations/acme.yaml",
        _organization("acme", "id: 1001, cell: beta"),
        _organization("acme", "id: 1001, cell: beta, moved: {from: alpha, reason: restored}"),
    ),
    "CW408": Code(
        "a move that is over",
        "spec.moved allows one change of an organization's cell. Once that is applied it is to "
        "be taken out, so that it can't allow another one. It does not stop `up`.",
        "organizations/acme.yaml",
        _organization("acme", "id: 1001, cell: alpha, moved: {from: beta, reason: restored}"),
        _organization("acme", "id: 1001, cell: alpha"),
    ),
    "CW409": Code(
        "an organization that is removed before it is gone",
        "Whoever is removed gets 404 at once, and its rows stay without an owner. Declare it "
        "with state: gone and apply that; then its definition may be removed. Its id stays used.",
        "",
        "organizations/acme.yaml is deleted while acme is active",
        "organizations/acme.yaml says state: gone, and is deleted after the next `up`",
    ),
    "CW410": Code(
        "an id range that another cell has used",
        "Rows with ids from the range are in that cell's database, or in backups of it: two "
        "rows with one id could never live together. That holds for a cell that is declared no "
        "more, too.",
        "",
        "cell gamma had the range from 3000 to 3999, and the new cell delta has 3500 to 4499",
        "the new cell delta has the range from 4000 to 4999",
    ),
    "CW411": Code(
        "a cell that is declared no more and still there",
        "Deleting a definition deletes nothing in a cluster. `cellwright retire CELL` takes the "
        "cell down step by step, and says what it leaves and how that is deleted for good. It is "
        "shown until nothing is left of the cell, and does not stop `up`.",
        "",
        "cells/gamma.yaml is deleted while namespace cell-gamma or its volume is there",
        "cells/gamma.yaml is deleted, and so is the namespace that `cellwright retire` has kept",
    ),
    "CW412": Code(
        "a volume that can't grow",
        "A volume can grow if its StorageClass has `allowVolumeExpansion: true`, which only helps "
        "if the provisioner can expand volumes. `up` asks the cluster before it touches anything. "
        "A StatefulSet that deletes its volumes with itself (persistentVolumeClaimRetentionPolicy) "
        "is not taken away for a larger volume either.",
        "",
        "postgres.storage goes from 1Gi to 2Gi on a StorageClass without allowVolumeExpansion",
        "the StorageClass has allowVolumeExpansion: true and a provisioner that expands volumes",
    ),
    "CW413": Code(
        "a directory that is not whole",
        "Where organizations live and which ids were used is known from the directory alone. A "
        "part of it was deleted, has lost its labels or was changed by hand: any other home or a "
        "used id would pass as new, beside databases that hold the rows. Apply a backup of it. "
        "Without one, `cellwright adopt` makes what is missing from the definitions, which then "
        "must be those that were applied last; ids below the highest one that are not declared "
        "count as used. Delete what was changed by hand before.",
        "",
        "ConfigMap directory-history is deleted while databases of the fleet's cells stand",
        "the ConfigMap is applied again from a backup, or made by `cellwright adopt`",
    ),
    "CW420": Code(
        "another cluster than the one that was applied to",
        "The settings of each stack name the cluster that it was applied to, by the UID of its "
        "namespace kube-system. A context that means another cluster now would be taken for the "
        "old one: Pulumi's state says that all is there already.",
        "",
        "the current context is that of a cluster that was made anew, with the old stacks kept",
        "the context is that of the cluster that the stacks were applied to",
    ),
    "CW421": Code(
        "an object that is not this fleet's",
        "Every object carries its fleet's name and id. One of another fleet is never touched: it "
        "would get other passwords, and its own fleet would take it back. One that belongs to no "
        "fleet is not taken on by itself: `cellwright adopt` shows it and asks.",
        "",
        "two fleets without a namespacePrefix have a cell called alpha in one cluster",
        "each fleet has a namespacePrefix of its own",
    ),
    "CW422": Code(
        "a fleet whose settings are not here",
        "The clusters hold this fleet, and this workspace has no settings of its stacks. `up` "
        "would make another root secret, and with it other passwords. The files in stacks/ are "
        "to be committed: secrets in them are encrypted.",
        "",
        "stacks/Pulumi.fleet.yaml is missing, and the cluster holds the fleet",
        "stacks/Pulumi.fleet.yaml is restored, or `cellwright adopt` was given the root secret",
    ),
    "CW423": Code(
        "secrets that do not follow those of the cluster",
        "A stack's settings say which versions of its secrets are valid, and its namespace which "
        "ones it was given. Settings from before a rotation would bring back secrets that were "
        "replaced, while Postgres keeps the new passwords. Versions change by `cellwright rotate` "
        "alone, whose changes of stacks/ are to be committed.",
        "",
        "a checkout without the commit of the last rotation",
        "stacks/ is as the run that rotated has left it",
    ),
}

CODES: dict[str, Code] = {**_READING, **_SHAPE, **_WHOLE, **_RENDERED, **_CHANGES}
"""Every code that there is."""
