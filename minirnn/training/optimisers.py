"""Optimisers: how a gradient becomes a step; gradient clipping and learning-rate schedules.

Parameters and gradients are flat dicts of arrays under the same names (`minirnn.backend.flatten`). A step writes
into the parameter arrays; gradients are only read. Notation: θ a parameter, g its gradient, η the learning rate.
"""

import math

import numpy as np

from minirnn import backend


class SGD:
    """Stochastic gradient descent, with momentum (Sutskever et al. 2013, in the form that PyTorch uses).

    v ← μ v + g,   θ ← θ - η v
    """

    def __init__(self, params, momentum=0.0):
        self.momentum = momentum
        self.steps = 0
        self.v = {name: np.zeros_like(theta) for name, theta in params.items()}

    def step(self, params, grads, lr):
        """One step with the learning rate ``lr``: ``params`` are changed in place, ``grads`` only read; the same
        names."""
        self.steps += 1
        for name, theta in params.items():
            v = self.v[name]
            v *= self.momentum
            v += grads[name]
            theta -= lr * v

    def moments(self):
        """The arrays that a checkpoint has to keep: {"v": {name: array}}."""
        return {"v": self.v}


class RMSprop:
    """RMSprop (Tieleman and Hinton 2012, lecture 6.5): every weight's step is divided by the root of a running
    mean of its squared gradient.

    s ← ρ s + (1 - ρ) g²,   θ ← θ - η g / (√s + ε)
    """

    def __init__(self, params, rho=0.99, eps=1e-8):
        self.rho, self.eps = rho, eps
        self.steps = 0
        self.s = {name: np.zeros_like(theta) for name, theta in params.items()}

    def step(self, params, grads, lr):
        """One step with the learning rate ``lr``: ``params`` are changed in place, ``grads`` only read; the same
        names."""
        self.steps += 1
        for name, theta in params.items():
            g, s = grads[name], self.s[name]
            s *= self.rho
            s += (1 - self.rho) * (g * g)
            theta -= lr * g / (np.sqrt(s) + self.eps)

    def moments(self):
        """The arrays that a checkpoint has to keep: {"s": {name: array}}."""
        return {"s": self.s}


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1); with ``weight_decay`` > 0, AdamW (Loshchilov and Hutter 2019).

    m ← β1 m + (1 - β1) g                exponential moving average of the gradient
    s ← β2 s + (1 - β2) g²               and of its square
    m̂, ŝ = m / (1 - β1ᵗ), s / (1 - β2ᵗ)  both begin at zero; this undoes the bias
    θ ← θ - η λ θ - η m̂ / (√ŝ + ε)       λ: weight decay, decoupled from the gradient

    ``decayed``: the names of the parameters that decay; None: all.
    """

    def __init__(self, params, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, decayed=None):
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.decay = dict.fromkeys(params if decayed is None else decayed, weight_decay)
        self.steps = 0
        self.m = {name: np.zeros_like(theta) for name, theta in params.items()}
        self.s = {name: np.zeros_like(theta) for name, theta in params.items()}

    def step(self, params, grads, lr):
        """One step with the learning rate ``lr``: ``params`` are changed in place, ``grads`` only read; the same
        names."""
        self.steps += 1
        unbias_m = 1 - self.beta1**self.steps
        unbias_s = math.sqrt(1 - self.beta2**self.steps)
        for name in params:
            decay = self.decay.get(name, 0.0)
            for theta, g, m, s in backend.pieces(params[name], grads[name], self.m[name], self.s[name]):
                work = np.multiply(g, 1 - self.beta1)
                m *= self.beta1
                m += work
                np.multiply(g, g, out=work)
                work *= 1 - self.beta2
                s *= self.beta2
                s += work
                np.sqrt(s, out=work)
                work /= unbias_s
                work += self.eps
                np.divide(m, work, out=work)
                work *= lr / unbias_m
                if decay:
                    theta *= 1 - lr * decay
                theta -= work

    def moments(self):
        """The arrays that a checkpoint has to keep: {"m": {name: array}, "s": {name: array}}."""
        return {"m": self.m, "s": self.s}


OPTIMISERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}


def matrices(params):
    """The names of the matrices of products among ``params``, which weight decay is meant for. A bias has nothing to
    overfit with, and an embedding's rows, those of rare characters and of hands, would shrink for want of examples."""
    return [name for name, theta in params.items() if theta.ndim > 1 and not name.endswith(".E")]


def global_norm(grads):
    """The Euclidean norm of all gradients taken as one long vector, a float."""
    squares = [np.vdot(g, g) for g in grads.values()]  # on a GPU, all are started before the first is awaited
    return math.sqrt(sum(map(float, squares)))


def clip_by_global_norm(grads, max_norm):
    """Scale all gradients in place by one factor so that their global norm is at most ``max_norm`` (Pascanu et
    al. 2013, algorithm 1): the direction stays. Gradients that are not finite are left as they are. Returns the norm
    before clipping."""
    norm = global_norm(grads)
    if max_norm < norm < math.inf:
        for g in grads.values():
            g *= max_norm / norm
    return norm


DECAY = 0.3


def learning_rate(step, total, *, peak, warmup, schedule, floor=0.0):
    """η of step ``step`` (from 0) of ``total``: a linear rise to ``peak`` over ``warmup`` steps, and then, as
    ``schedule`` says,

        constant   the peak
        plateau    the same; the training loop reduces ``peak`` when the validation loss no longer falls
        cosine     a half cosine down to ``floor`` times the peak (Loshchilov and Hutter 2017)
        trapezoid  the peak, and over the last `DECAY` of the run a straight line down to ``floor`` times the peak
                   (Hägele et al. 2024): before that, nothing depends on how long the run will be, so that it can
                   be prolonged from a checkpoint of the level part
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    if schedule == "cosine":
        shape = 0.5 * (1 + math.cos(math.pi * progress))
    elif schedule == "trapezoid":
        shape = min(1.0, (1 - progress) / DECAY)
    else:
        return peak
    return peak * (floor + (1 - floor) * shape)
