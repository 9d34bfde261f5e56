# %% [markdown]
# # 13. Handwriting as an alphabet
#
# **Takes for granted**: chapter 1. Vectors, and what k-means does.
#
# **Runs for**: about 5 seconds.
#
# **You should see**: a line of handwriting become some five hundred small integers and come back, almost as it was;
# an error that grows like a random walk when every step is rounded by itself, and that stays far below the length of
# one step when it is carried along; and a codebook of pen lifts that lie where a hand lifts its pen.
#
# Chapter 1 turned text into numbers by giving every character an id, and everything since then (the softmax, the
# cross-entropy, sampling) speaks about ids. Handwriting is positions, which are real numbers. Graves (2013) had his
# network predict them by mixtures of Gaussians, which works, and brings a second kind of loss, standard deviations
# that shrink to zero and a second kind of sampling. There is a shorter way: make handwriting a text.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from minirnn.course import hand, show
from minirnn.ink.strokes import normalise, resample, rotate
from minirnn.ink.vocabularies import BEGIN, END, FIRST_STEP, PenVocabulary

# %% [markdown]
# ## What is written, and not how large
#
# A line of handwriting is a list of strokes, each an array of points (n, 2), y down, in the order in which they were
# written. Time does not occur, nor pressure. `minirnn.course.hand` makes such lines: letters of a few points
# each with a spline through them, every one a little different.
#
# The same line may come from a tablet in inches or from a scan in pixels, and may lie askew. `normalise` takes all
# that away: the line is turned until y no longer rises or falls with x, x begins at 0, y is counted from its mean,
# and the unit is the standard deviation of y. Mean and deviation are taken along the ink, as integrals, and not over
# the recorded points, of which a slow hand leaves more.

# %%
rng = np.random.default_rng(0)
TEXT = "the sun shone on the sand"
written = hand.write(TEXT, rng)
line = normalise(written)
on_a_scan = [40 * stroke + [300, 900] for stroke in rotate(written, 0.05)]
difference = max(np.abs(a - b).max() for a, b in zip(line, normalise(on_a_scan)))
print(f"{len(line)} strokes, {sum(map(len, line))} points")
print(f"the same 40 times as large, askew and elsewhere: {difference:.1e} units apart at most")
assert difference < 0.02
show.source(normalise, "points, weights = _ink_samples", "unit = np.sqrt")

# %% [markdown]
# ## Steps of one length
#
# Inside a stroke the pen walks in steps of one fixed length, each in one of a few directions, finely enough divided
# that the eye does not mind. That is a chain code (Freeman 1961). A direction is an integer: n of 64 means the angle
# 2π n / 64, from "right" on, turning downwards, since y is down. What the steps cannot say is where the next stroke
# begins; that is said by a lift, one vector out of a list, of which more below. In all:
#
#     0 BEGIN    1 END    2 .. 65 the directions    66 .. the lifts
#
# and `vectors` (V, 2) holds the move of each id. To decode is to add up moves and to cut where the pen was lifted:

# %%
def decode_plain(vocabulary, ids):
    """The strokes that the ids (T,) draw, the pen moved by one id after the other from (0, 0)."""
    strokes, pen = [], np.zeros(2)
    for index in ids:
        if index in (BEGIN, END):
            continue
        pen = pen + vocabulary.vectors[index]
        if vocabulary.is_lift[index]:
            strokes.append([])
        strokes[-1].append(pen)
    return [np.array(stroke) for stroke in strokes]


corpus = [normalise(hand.write(text, rng)) for text in [
    "a good hand", "the london train", "turn the light on", "one red stone", "it is late in the night",
    "sisters sing", "a dull dinner", "the sea and the island", "gold in the sand", "no trousers",
    "three hundred houses", "all is right",
] * 4]  # fmt: skip
vocabulary = PenVocabulary.fit_lifts(corpus, count=48)
ids = vocabulary.encode(line)
decoded = vocabulary.decode(ids)
assert all(np.abs(a - b).max() < 1e-12 for a, b in zip(decode_plain(vocabulary, ids), decoded))
print(f"{len(TEXT)} characters are {len(ids)} ids out of {len(vocabulary)}: {ids[:14]} ...")
show.source(PenVocabulary.decode, "points = np.cumsum", "return")

figure, axes = plt.subplots(3, 1, figsize=(10, 5.2), sharex=True, sharey=True)
names = ("as written", "decoded", "the same, one dot per symbol")
for ax, strokes, name in zip(axes, (line, decoded, decoded), names):
    for stroke in strokes:
        single = len(stroke) == 1
        ax.plot(*stroke.T, "." if single else "-", color=show.FORWARD if ax is axes[0] else show.ERROR, linewidth=1.6)
    ax.set(title=name, aspect="equal")
    ax.axis("off")
axes[0].invert_yaxis()  # y is down; the axes share it
for stroke in decoded:
    axes[2].plot(*stroke.T, ".", color="black", markersize=2.5)
show.picture(figure, "13_original_and_decoded.png")

# %% [markdown]
# ## The error is carried
#
# The obvious way to encode: cut the path into pieces of one step each, and round every piece to the nearest
# direction. Every rounding is off by up to half an angle, so by up to 0.3 · π/64 ≈ 0.015 units, harmless. But the
# errors add up, as a random walk: after N steps the pen is off by some √N times as much, and nothing brings it back.
#
# The other way costs nothing: choose every direction from *where the pen really is* to where it should be next. The
# error of the step before is then in the direction of this one, and is paid back at once. It is what Bresenham's line
# and error-diffusion dithering do. Plain versions of both, on the points of a long path:

# %%
def encode_steps_plain(path, directions, step, carried):
    """Directions (N,) that follow path (N + 1, 2), whose points are about ``step`` apart, and where they lead."""
    pen, turns, places = path[0], [], [path[0]]
    for before, target in pairwise(path):
        dx, dy = target - (pen if carried else before)
        turn = round(np.arctan2(dy, dx) / (2 * np.pi) * directions) % directions
        angle = 2 * np.pi * turn / directions
        pen = pen + step * np.array([np.cos(angle), np.sin(angle)])
        turns.append(turn)
        places.append(pen)
    return np.array(turns), np.array(places)


angle = np.cumsum(0.35 * np.random.default_rng(3).standard_normal(2000))  # of a long scribble
scribble = np.concatenate([[[0, 0]], np.cumsum(0.3 * np.column_stack([np.cos(angle), np.sin(angle)]), axis=0)])
figure, ax = plt.subplots(figsize=(7, 3.6))
for carried, colour, name in ((False, show.ERROR, "rounded by itself"), (True, show.CELL, "carried along")):
    _, places = encode_steps_plain(scribble, 64, 0.3, carried)
    error = np.linalg.norm(places - scribble, axis=1)
    ax.loglog(np.arange(1, len(error)), error[1:], color=colour, label=name)
    print(f"{name:17}: off by {error[-1]:.4f} after {len(error) - 1} steps, at most {error.max():.4f}")
    assert (error.max() < 0.3) == carried
steps = np.arange(1, 2001)
ax.loglog(steps, 0.3 * np.pi / 64 / np.sqrt(3) * np.sqrt(steps), color=show.GREY, linestyle="--", label="a random walk")
ax.axhline(0.3, color=show.GREY, linewidth=1)
ax.text(1.2, 0.33, "one step", color=show.GREY)
ax.set(xlabel="steps", ylabel="distance from the path, units", title="What rounding leaves behind")
ax.legend()
show.picture(figure, "13_error_carried.png")

# %% [markdown]
# (The dashed line: an error uniform in ±π/64 has the standard deviation π/64/√3, times the length of a step.)
#
# The package goes one step further. Its targets are not points that were cut out beforehand, but the place where the
# path leaves the circle of radius 0.3 around the pen, so the step has exactly its length, and corners and the ends of
# strokes get their own rule. The line that carries the error is this one, in which `here` is the target and `pen`
# where the moves so far have really led:

# %%
show.source(PenVocabulary._walk, "turn = cmath.phase", "pen +=")

# %% [markdown]
# For the line above, how far is the ink from the original? Every point of the decoded line is compared with the
# nearest one of the original.

# %%
def distances(strokes, others):
    """How far each point along ``strokes`` is from the nearest along ``others``."""
    points = np.concatenate([resample(stroke, 0.02) for stroke in strokes])
    near = np.concatenate([resample(stroke, 0.02) for stroke in others])
    return cKDTree(near).query(points)[0]


print("directions  step   symbols per character mean distance   largest")
for directions, step in ((8, 0.3), (16, 0.3), (64, 0.3), (64, 0.6), (64, 0.15)):
    trial = PenVocabulary(vocabulary.lifts, directions, step)
    trial_ids = trial.encode(line)
    apart = distances(trial.decode(trial_ids), line)
    a_character = len(trial_ids) / len(TEXT)
    print(f"{directions:6}      {step:4.2f} {a_character:14.1f} {apart.mean():18.3f} {apart.max():14.3f}")
    if (directions, step) == (64, 0.3):
        assert apart.mean() < 0.05

# %% [markdown]
# With an x-height of about 1.3 units, a mean of a few hundredths is less than the width of a pen. (The largest
# distances are at beginnings of strokes: a list of 48 lifts is short, as will be seen. The package has 192.) Small
# steps would follow more closely, but make the sequence longer, and every symbol is a step of the network: twice as
# many symbols, twice the time, and twice as far back in time for the same letter. The package trains with
# `--directions` 48 and `--step-length` 0.36.
#
# ## A codebook for the lifts
#
# A lift goes from where a stroke ends to where the next begins: from the stem of an h to its arch, from an i to its
# dot, from word to word. Any vector is possible; but hands have habits, and the vectors crowd. So L centres are
# chosen by k-means, such that the mean squared distance of a lift from its nearest centre is small. Lloyd's two
# steps, in turn: give each lift to its nearest centre; move each centre to the mean of what it was given.

# %%
def kmeans_plain(points, centres, rounds=30):
    """Lloyd's algorithm on points (N, 2) from centres (L, 2) -> centres, mean squared distance in each round."""
    history = []
    for _ in range(rounds):
        squares = ((points[:, None] - centres[None]) ** 2).sum(axis=2)  # (N, L)
        nearest = squares.argmin(axis=1)
        history.append(squares.min(axis=1).mean())
        centres = np.array([points[nearest == k].mean(axis=0) if (nearest == k).any() else centre
                            for k, centre in enumerate(centres)])  # fmt: skip
    return centres, history


lifts = np.array([after[0] - before[-1] for strokes in corpus for before, after in pairwise(strokes)])
start = lifts[np.random.default_rng(0).choice(len(lifts), 48, replace=False)]
centres, history = kmeans_plain(lifts, start)
assert all(after <= before + 1e-12 for before, after in pairwise(history))  # neither step can make it worse
print(f"{len(lifts)} lifts; rms distance from the nearest of 48 centres {np.sqrt(history[0]):.3f} at the start, "
      f"{np.sqrt(history[-1]):.3f} after {len(history)} rounds")  # fmt: skip
show.source(PenVocabulary.fit_lifts, "centres, _ = kmeans2", "return cls")

figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), width_ratios=(1, 2))
moves = vocabulary.vectors[FIRST_STEP : FIRST_STEP + 64]
axes[0].plot(np.column_stack([0 * moves[:, 0], moves[:, 0]]).T, np.column_stack([0 * moves[:, 1], moves[:, 1]]).T,
             color=show.FORWARD, linewidth=0.8)  # fmt: skip
axes[0].set(title="64 steps", aspect="equal", ylim=(0.34, -0.34))
axes[1].plot(*lifts.T, ".", color=show.GREY, markersize=3, alpha=0.5, label="lifts of the corpus")
axes[1].plot(*vocabulary.lifts.T, "o", color=show.ERROR, markersize=5, fillstyle="none", label="the 48 of the codebook")
axes[1].set(title="lifts, from the end of a stroke to the next", aspect="equal", xlabel="dx", ylabel="dy, down")
axes[1].invert_yaxis()
axes[1].legend(loc="upper left", bbox_to_anchor=(1.02, 1))
show.picture(figure, "13_the_codebook.png")

# %% [markdown]
# A lift that falls between two centres puts the pen down a little beside the place. The error is carried here, too:
# the gap is measured from where the pen really is, so the next lift makes good what this one missed, and the first
# step of the stroke heads for the path and not parallel to it.

# %%
show.source(PenVocabulary.encode, "gap = path[0] - pen", "pen += self._moves")

# %% [markdown]
# ## Where is the pen?
#
# Moves are differences, and a network that sees only moves would have to add them all up to know whether it is on the
# base line or drifting off it: an integral, with 500 terms, in a memory that forgets. But the program that feeds the
# network has added them up already. So with each symbol goes the height of the pen, rounded to quarters of a unit, an
# id like any other with an embedding of its own. (It is no extra information: it follows from the symbols. It only
# spares the network the sum.)

# %%
heights = vocabulary.heights(ids)
by_hand = [round(4 * y) + 16 for y in np.cumsum(vocabulary.vectors[ids, 1])]
assert (heights == np.clip(by_hand, 0, vocabulary.n_heights - 1)).all()
print(f"{vocabulary.n_heights} heights; the beginning of the line: {heights[:14]}")
show.source(PenVocabulary.heights, "return")

# %% [markdown]
# From here on handwriting is a text in a vocabulary of {BEGIN, END, directions, lifts}, with a softmax over V symbols
# and a cross-entropy in nats per symbol, and all chapters before this one apply. What is missing is the connection to
# what is to be written. That is the window of the next chapter.
#
# ## Predict, then change, then run
#
# Steps of 1.0 in the place of 0.3: how many symbols per character, and how far from the original? An x is about 1.3
# units high. And which is worse for the eye, steps of 1.0 in 64 directions, or steps of 0.3 in 4? Add both to the
# table.
#
# ## Three questions
#
# 1. The network is trained on the ids of `encode`, in which every step corrects the error of the one before. Does it
#    learn the corrections, too? Would a network trained on the uncorrected ids draw worse, when nobody compares its
#    line with any original?
# 2. BEGIN and END are two ids. When is END learned, and why must the mask of a batch of padded lines let it count
#    exactly once per line?
# 3. A step of 0.3 can say 64 things, at a cost of at most log 64 nats, but a trained network needs less than 2 nats
#    per step. What does it know, and how would its loss change if there were 128 directions?
#
# The answers stand in `answers/13.md`.
