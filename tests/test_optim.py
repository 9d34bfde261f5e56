"""The optimisers against the formulas written out for one number; clipping; schedules."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.training.optimisers import OPTIMISERS, SGD, Adam, RMSprop, clip_by_global_norm, global_norm, learning_rate

drawn = settings(max_examples=50, deadline=None, derandomize=True)
seed = st.integers(0, 2**32 - 1)


def plain_sgd(theta, gradients, lr, mu=0.0):
    v = 0.0
    for g in gradients:
        v = mu * v + g
        theta = theta - lr * v
    return theta


def plain_rmsprop(theta, gradients, lr, rho=0.99, eps=1e-8):
    s = 0.0
    for g in gradients:
        s = rho * s + (1 - rho) * g**2
        theta = theta - lr * g / (math.sqrt(s) + eps)
    return theta


def plain_adam(theta, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0):
    m = s = 0.0
    for t, g in enumerate(gradients, start=1):
        theta = theta - lr * decay * theta
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
        theta = theta - lr * m_hat / (math.sqrt(s_hat) + eps)
    return theta


@pytest.mark.parametrize(
    "make, plain, options",
    [
        (SGD, plain_sgd, {}),
        (lambda params: SGD(params, momentum=0.9), plain_sgd, {"mu": 0.9}),
        (RMSprop, plain_rmsprop, {}),
        (lambda params: RMSprop(params, rho=0.9, eps=1e-3), plain_rmsprop, {"rho": 0.9, "eps": 1e-3}),
        (Adam, plain_adam, {}),
        (lambda params: Adam(params, beta1=0.8, beta2=0.95, eps=1e-4), plain_adam,
         {"beta1": 0.8, "beta2": 0.95, "eps": 1e-4}),
        (lambda params: Adam(params, weight_decay=0.1), plain_adam, {"decay": 0.1}),
    ],
    ids=["sgd", "momentum", "rmsprop", "rmsprop options", "adam", "adam options", "adamw"],
)  # fmt: skip
def test_optimiser_against_the_plain_formula(make, plain, options):
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal((2, 3)), rng.standard_normal((30, 2, 3))
    params = {"W": start.copy()}
    optimiser = make(params)
    for g in gradients:
        optimiser.step(params, {"W": g}, 0.05)
    for place in np.ndindex(start.shape):
        expected = plain(start[place], gradients[(slice(None), *place)], 0.05, **options)
        assert params["W"][place] == pytest.approx(expected, abs=1e-12)
    assert optimiser.steps == 30


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_optimiser_finds_the_bottom_of_a_bowl(name):
    params = {"x": np.array([3.0, -2.0]), "y": np.array([1.0])}
    optimiser = OPTIMISERS[name](params)
    for step in range(500):
        optimiser.step(params, {key: 2 * value for key, value in params.items()}, 0.1 * 0.99**step)
    assert global_norm(params) < 1e-2


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_gradients_are_only_read_and_the_dtype_stays(name):
    params = {"W": np.ones((2, 3), np.float32)}
    grads = {"W": np.full((2, 3), 0.5, np.float32)}
    weights = params["W"]
    optimiser = OPTIMISERS[name](params)
    optimiser.step(params, grads, 0.1)
    assert (grads["W"] == 0.5).all()
    assert params["W"] is weights and weights.dtype == np.float32 and (weights < 1).all()
    assert all(moment["W"].dtype == np.float32 for moment in optimiser.moments().values())


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_moments_and_steps_are_all_that_a_resumed_optimiser_needs(name):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((10, 4))
    params = {"w": np.ones(4)}
    optimiser = OPTIMISERS[name](params)
    for g in gradients[:5]:
        optimiser.step(params, {"w": g}, 0.1)
    resumed_params = {"w": params["w"].copy()}
    resumed = OPTIMISERS[name](resumed_params)
    resumed.steps = optimiser.steps
    for kind, moment in optimiser.moments().items():
        resumed.moments()[kind]["w"][:] = moment["w"]
    for g in gradients[5:]:
        optimiser.step(params, {"w": g}, 0.1)
        resumed.step(resumed_params, {"w": g}, 0.1)
    assert np.array_equal(params["w"], resumed_params["w"])


@drawn
@given(seed, st.floats(1e-3, 1e3))
def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(seed, scale):
    g = np.random.default_rng(seed).uniform(0.5, 1, 3) * scale
    params = {"w": np.zeros(3)}
    Adam(params).step(params, {"w": g}, 0.1)
    np.testing.assert_allclose(params["w"], -0.1, rtol=1e-4)


# --- clipping -----------------------------------------------------------------------------------------------


@drawn
@given(seed, st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
def test_clipping_keeps_the_direction_and_bounds_the_norm(seed, scale, max_norm):
    rng = np.random.default_rng(seed)
    grads = {"W": scale * rng.standard_normal((3, 2)), "b": scale * rng.standard_normal(4)}
    before = np.concatenate([g.ravel() for g in grads.values()])
    norm = clip_by_global_norm(grads, max_norm)
    after = np.concatenate([g.ravel() for g in grads.values()])
    assert norm == pytest.approx(np.linalg.norm(before))
    assert np.linalg.norm(after) == pytest.approx(min(norm, max_norm))
    np.testing.assert_allclose(after, before * min(1, max_norm / norm), rtol=1e-12)


def test_clipping_leaves_a_small_gradient_and_a_zero_one_as_they_are():
    for values in ([0.3, 0.4], [0.0, 0.0]):
        grads = {"w": np.array(values)}
        assert clip_by_global_norm(grads, 1.0) == pytest.approx(math.hypot(*values))
        assert np.array_equal(grads["w"], values)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_clipping_leaves_what_is_not_finite_for_the_training_loop_to_find(value):
    grads = {"w": np.array([1.0, value]), "b": np.array([2.0])}
    assert not math.isfinite(clip_by_global_norm(grads, 1.0))
    assert np.array_equal(grads["w"], [1.0, value], equal_nan=True) and grads["b"] == 2


# --- schedules ----------------------------------------------------------------------------------------------


def rate(step, **changes):
    return learning_rate(step, 100, **{"peak": 0.4, "warmup": 10, "schedule": "cosine", **changes})


def test_warmup_rises_in_a_line_to_the_peak():
    np.testing.assert_allclose([rate(step) for step in range(11)], [0.04 * n for n in range(1, 11)] + [0.4])


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_constant_rate(schedule):
    assert {rate(step, schedule=schedule) for step in range(10, 200)} == {0.4}


def test_cosine_falls_to_the_floor_and_stays_there():
    rates = [rate(step, floor=0.1) for step in range(10, 120)]
    assert rates == sorted(rates, reverse=True)
    assert rate(55, floor=0.1) == pytest.approx(0.22)  # half way: the mean of peak and floor
    assert rate(100, floor=0.1) == rate(500, floor=0.1) == pytest.approx(0.04)
    assert rate(100) == pytest.approx(0)


def test_trapezoid_is_level_and_then_falls_in_a_line_to_the_floor():
    """Over the last three tenths of what follows the warmup: from step 73 to step 100."""
    rates = {step: rate(step, schedule="trapezoid", floor=0.1) for step in (10, 50, 73, 82, 91, 100, 500)}
    assert rates == pytest.approx({10: 0.4, 50: 0.4, 73: 0.4, 82: 0.28, 91: 0.16, 100: 0.04, 500: 0.04})


@pytest.mark.parametrize("schedule", ["cosine", "trapezoid"])
def test_a_run_that_is_over_as_soon_as_it_is_warm(schedule):
    assert learning_rate(11, 11, peak=1.0, warmup=10, schedule=schedule) == pytest.approx(0)
    assert learning_rate(10, 10, peak=1.0, warmup=10, schedule=schedule) == 1


@drawn
@given(
    st.integers(0, 300), st.integers(1, 200), st.integers(0, 50), st.sampled_from(["constant", "cosine"]),
    st.floats(0, 1),
)  # fmt: skip
def test_rate_is_never_above_the_peak_nor_below_zero(step, total, warmup, schedule, floor):
    assert 0 <= learning_rate(step, total, peak=1.0, warmup=warmup, schedule=schedule, floor=floor) <= 1 + 1e-12
