"""The ledger as it is read; what can be wrong with it is among the cases."""

from hypothesis import given
from hypothesis import strategies as st

from cellwright.layout import LEDGER
from cellwright.ledger import HEADER, read_ledger
from cellwright.problem import Place

names = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)


@given(st.dictionaries(names, names, max_size=20), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_line_counts(cells: dict[str, str], end: str, closed: bool) -> None:
    lines = [HEADER, *(f"{name},{cell}" for name, cell in cells.items())]
    text = end.join(lines) + (end if closed else "")
    ledger, problems = read_ledger(text.encode())
    assert problems == []
    assert ledger.cells == cells
    for line, name in enumerate(cells, start=2):
        assert ledger.place(name, cell=False) == Place(LEDGER, line, 1)
        assert ledger.place(name) == Place(LEDGER, line, len(name) + 2)


@given(st.text(max_size=60).map(lambda text: f"{HEADER}\n{text}"))
def test_any_text_is_lines_or_problems(text: str) -> None:
    ledger, problems = read_ledger(text.encode(errors="surrogatepass"))
    lines = [line for line in text.split("\n")[1:] if line.strip()]
    assert len(ledger.cells) + len(problems) >= bool(lines)


def test_without_a_ledger_nobody_is_placed_by_it() -> None:
    ledger, problems = read_ledger(None)
    assert ledger.cells == {}
    assert problems == []
