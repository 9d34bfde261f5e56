"""From the logits of the network that reads to text."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.reading.decoding import character_errors, greedy

drawn = settings(max_examples=40, deadline=None, derandomize=True)
text = st.text("ab ", max_size=7)


def test_greedy_merges_repeats_and_removes_blanks():
    symbols = np.array([[1, 0], [1, 2], [0, 2], [1, 0], [2, 2], [2, 2]])
    logits = np.eye(3)[symbols]
    assert [list(ids) for ids in greedy(logits, np.array([6, 4]))] == [[1, 1, 2], [2]]


def naive_errors(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return naive_errors(a[1:], b[1:])
    return 1 + min(naive_errors(a[1:], b), naive_errors(a, b[1:]), naive_errors(a[1:], b[1:]))


@drawn
@given(text, text)
def test_errors_are_the_fewest_changes(a, b):
    assert character_errors(a, b) == naive_errors(a, b)
    assert character_errors(a.split(), b.split()) == naive_errors(a.split(), b.split())
