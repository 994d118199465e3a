"""The phases of a rotation: what is accepted and used in each."""

import pytest

from cellwright.secret_state import Phase, State, generation, read_cell_state, read_root_state

BEGUN = State("1.1").begun("1.2")


@pytest.mark.parametrize(
    ("state", "text", "valid", "tag"),
    [
        (State("1.1"), "1.1", ("1.1",), "1.1"),
        (BEGUN, "1.1>1.2 accept", ("1.1", "1.2"), "1.1>1.2 accept"),
        (BEGUN.next, "1.1>1.2 use", ("1.2", "1.1"), "1.1>1.2 use"),
        (BEGUN.next.next, "1.1>1.2 end", ("1.2",), "1.2"),
        (BEGUN.next.next.next, "1.2", ("1.2",), "1.2"),
    ],
)
def test_a_state(state: State, text: str, valid: tuple[str, ...], tag: str) -> None:
    assert (str(state), state.valid, state.used, state.tag) == (text, valid, valid[0], tag)
    assert read_cell_state(text) == state


def test_between_two_phases_whoever_receives_takes_what_others_use() -> None:
    state = State("1").begun("2")
    while state.phase:
        assert state.used in state.next.valid
        assert state.next.used in state.valid
        state = state.next


def test_a_phase_is_reached_and_never_left_backwards() -> None:
    assert BEGUN.reached(Phase.END).phase == Phase.END
    assert BEGUN.next.reached(Phase.ACCEPT) == BEGUN.next
    assert State("1.1").reached(Phase.USE) == State("1.1")
    with pytest.raises(ValueError, match="nothing is rotated"):
        _ = State("1").next


@pytest.mark.parametrize("text", ["", "x", "1>2", "2 accept", "1>2 later", "-1", "1 2", "2>1 use"])
def test_what_is_no_state(text: str) -> None:
    assert read_root_state(text) is None
    assert read_cell_state(text) is None


def test_fleets_and_cells_have_forms_of_their_own() -> None:
    assert read_root_state("1>2 use") == State("2", "1", Phase.USE)
    assert read_cell_state("1.9>1.10 use") == State("1.10", "1.9", Phase.USE)
    for text in ("1.1", "1>2.1 use"):
        assert read_root_state(text) is None
    for text in ("1", "1>2 use", "1>2.1 use", "1.2.3", "\u0661.1", "1.2>1.1 use"):
        assert read_cell_state(text) is None


def test_the_order_of_states() -> None:
    states = [State("1.9"), *(State("1.10", "1.9", phase) for phase in Phase), State("2.2")]
    for number, one in enumerate(states):
        assert [one.is_before(other) for other in states] == [
            place > number for place in range(len(states))
        ]
    assert not State("1.10", "1.9", Phase.END).is_before(State("1.10"))
    assert not State("1.10").is_before(State("1.10", "1.9", Phase.END))


@pytest.mark.parametrize(
    ("text", "noted", "expected"),
    [
        ("1.1>1.2 accept", "1.1", True),
        ("1.1>1.2 use", "1.1>1.2 accept", True),
        ("1.1>1.2 end", "1.1>1.2 use", True),
        ("1.1>1.2 end", "1.2", True),
        ("1.2", "1.2", True),
        ("1.7", "1.1", False),
        ("1.9>1.10 accept", "1.1", False),
        ("1.1>1.2 use", "1.1", False),
        ("1.1>1.2 accept", "1.0>1.2 accept", False),
    ],
)
def test_what_pods_can_be_given_next(text: str, noted: str, *, expected: bool) -> None:
    state, before = read_cell_state(text), read_cell_state(noted)
    assert state
    assert before
    assert state.follows(before) is expected


def test_a_generation() -> None:
    assert str(generation("2.13")) == "2.13"
    assert generation("2.13") == (2, 13)
