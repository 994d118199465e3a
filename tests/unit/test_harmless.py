"""What is shown of users' text, for every character that there is."""

import json
import unicodedata

from cellwright.harmless import harmless, harmless_json

EVERYTHING = "".join(map(chr, range(0x110000)))
LETTERS = "ä\u4e2d\U0001f600 \t"


def test_nothing_that_controls_is_left() -> None:
    left = harmless(EVERYTHING)
    assert [one for one in left if unicodedata.category(one) == "Cc"] == ["\t"]
    straight = {"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON", ""}
    assert {unicodedata.bidirectional(one) for one in left} <= straight
    assert not set("\u2028\u2029\u200e\u200f") & set(left)
    assert harmless(LETTERS) == LETTERS


def test_json_stays_the_same_value() -> None:
    value = ["\x1b\x7f\x85\u2028\u202e", LETTERS]
    text = harmless_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert harmless(text) == text
