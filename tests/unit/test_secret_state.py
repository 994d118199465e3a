"""The phases of a rotation: what is accepted and used in each."""

import pytest

from cellwright.secret_state import Phase, State, generation, read_state

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
    assert read_state(text) == state


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


@pytest.mark.parametrize("text", ["", "x", "1>2", "2 accept", "1>2 later", "1.2.3", "-1", "1 2"])
def test_what_is_no_state(text: str) -> None:
    assert read_state(text) is None


def test_a_generation() -> None:
    assert str(generation("2.13")) == "2.13"
    assert generation("2.13") == (2, 13)
