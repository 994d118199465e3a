"""Values to YAML that every reader takes for the same values.

Text that only some readers take for text (`no`, `1e3`, `0o7`, dates) is quoted, and control
characters are escaped. Refuses everything that JSON does not have.
"""

import json
import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*\Z")
_WORDS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})
_LINES = re.compile(
    "[^ \n\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]"
    "[^\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*\\Z"
)


def to_yaml(value: Any) -> str:
    """Return `value` as one YAML document in block style, keys in their order."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=2**31 - 1,
    )
    return text


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write out values that stand twice: strict readers refuse aliases."""
        del data
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    style: str | None = '"'
    if _PLAIN.match(value) and value.lower() not in _WORDS:
        style = None
    elif "\n" in value and _LINES.match(value) and not value.endswith("\n\n"):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


def _number(dumper: yaml.CSafeDumper, value: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", json.dumps(value, allow_nan=False))


_Dumper.yaml_representers = {
    kind: yaml.CSafeDumper.yaml_representers[kind]
    for kind in (dict, list, int, bool, type(None), None)  # None: what refuses all others
}
_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)
