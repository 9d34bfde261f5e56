"""Augmentation: seeded, within its range, each change doing what its name says."""

import numpy as np
import pytest
from drawn_lines import clean_ink, written_line
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.images import augment

GREY = 1.0 - clean_ink(written_line(words=1), (140, 320))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(augment.CHANGES)), st.integers(0, 1000), st.integers(2, 40), st.integers(2, 40))
def test_every_change_is_seeded_and_gives_grey_levels(name, seed, height, width):
    grey = np.random.default_rng(seed).random((height, width))
    before = grey.copy()
    one, two = (augment.CHANGES[name](grey, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(grey, before)  # what was given is not written into
    assert one.ndim == 2
    assert one.min() >= 0
    assert one.max() <= 1
    if name != "scale":
        assert one.shape == grey.shape


@pytest.mark.parametrize("name", augment.CHANGES)
def test_every_change_changes_and_leaves_about_the_same_ink(name):
    out = augment.CHANGES[name](GREY, np.random.default_rng(0))
    assert out.shape != GREY.shape or np.abs(out - GREY).max() > 0.05
    assert (1 - out).sum() == pytest.approx((1 - GREY).sum(), rel=0.8)


def test_changes_are_switched_one_by_one():
    rng = np.random.default_rng
    assert np.array_equal(augment.augment_image(GREY, rng(3), ()), GREY)
    assert np.array_equal(augment.augment_image(GREY, rng(3), ("shear",)), augment.shear_image(GREY, rng(3)))
    assert not np.array_equal(augment.augment_image(GREY, rng(3)), augment.augment_image(GREY, rng(4)))
    with pytest.raises(ValueError, match="wobble"):
        augment.augment_image(GREY, rng(3), ("wobble",))


def test_the_pen_gets_broader_and_finer():
    ink = [(1 - augment.pen_width_image(GREY, np.random.default_rng(seed))).sum() for seed in range(8)]
    assert min(ink) < (1 - GREY).sum() < max(ink)
