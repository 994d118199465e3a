"""Text that tries to be something else: YAML, JSON, Jinja, a line break, half a character."""

from hypothesis import strategies as st

SNIPPETS = (
    *('"', "'", ": ", " #", "#", "- ", "{", "}", "[", "]", ",", "|", ">", "&a", "*a", "!!str", "!"),
    *("%YAML 1.1\n", "---", "\n---\n", "...", "\n...\n", "<<", "? ", "@", "`", "\\", "\\u0041"),
    *("{{ cell }}", "{% raw %}", "{# #}", "{{", "}}", "%}", "$(PGUSER)", "$$"),
    *(
        "\n",
        "\r",
        "\r\n",
        "\t",
        " ",
        "  ",
        "\n  evil: true",
        "\x00",
        "\x01",
        "\x02",
        "\x1a",
        "\x7f",
    ),
    *("\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufdd0", "\ufdd1", "\ufffe", "\uffff"),
    *("é", "日本", "\U0001f600", "a\u0301", "\u202e", "\x1b[31m"),
    *(
        "no",
        "Yes",
        "null",
        "~",
        "true",
        "1e3",
        "0o7",
        "0x1f",
        "1_000",
        "12:30",
        "2001-01-01",
        ".inf",
    ),
    *("=", "+1", "1.", "-", "", "cellwright.dev/secret", "$patch", "templates/x.yaml.j2:1"),
)

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.sampled_from(SNIPPETS), max_size=6).map("".join),
)
"""Any text without halves of surrogate pairs, much of it hostile."""

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
"""Any value that JSON can hold."""
