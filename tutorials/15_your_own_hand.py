# %% [markdown]
# # 15. Your own hand
#
# **Takes for granted**: chapters 12 to 14.
#
# **Runs for**: about 10 seconds.
#
# **You should see**: six lines of a hand become scans in a folder with labels, the scans become strokes again, and
# the strokes become the symbols a network learns from, with what was lost on the way measured at each station; then
# how long a fine-tuning has to run, worked out from the number of symbols, and what it changes in the network.
#
# The way from a hand on paper to a hand in the network has five stations:
#
#     paper -> images with their texts -> strokes -> pen symbols -> a row of the network's hands
#
# Every one can spoil what comes after it, and the last takes longest. So one looks at each before going on to the next.
# This chapter walks the way with a made-up hand, so that at each station the truth is known.

# %%
import csv
import pathlib
import tempfile

import matplotlib.pyplot as plt
import numpy as np

from minirnn.course import hand, show
from minirnn.datasets import coverage, format_coverage
from minirnn.datasets.labelled import read_labelled
from minirnn.images import labelled_sets
from minirnn.images.draw_scan import draw_scan, to_pixels
from minirnn.images.image_files import save_image
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import PenVocabulary
from minirnn.studies.tracing import overlap
from minirnn.training import fine_tuning
from minirnn.writing import hands

# %% [markdown]
# ## Two ways to get there
#
# *With the sheet.* `python -m minirnn.sheet -o sheet.pdf` makes two pages with a printed sentence above each empty
# line. Print them, copy each sentence with a dark pen, photograph each page with its four corner marks, and `python
# -m minirnn.sheet read photo1.jpg photo2.jpg --out myhand` finds the lines, traces them, and knows what they say,
# since it has printed it. This is the shorter way.
#
# *With what is there already*, an old letter, say: `python -m minirnn.prepare page.jpg --out lines` cuts the page
# into lines, `python -m minirnn.label lines` shows one after the other in the browser for you to type what it says,
# and `python -m minirnn.prepare lines --out myhand` traces them.
#
# Both end with `myhand/samples.jsonl`. This chapter takes the second way from the point where the lines have been
# labelled: a folder of images, and a metadata.csv with a file name and a text in each row. `draw_scan` makes the
# scans: a pen some pixels wide, paper, uneven light, blur, noise, JPEG. The column `group` says which lines belong
# together (a page, a form), because such lines are alike; more on that below.

# %%
TEXTS = ["the sun shone on the sand", "a train to london", "three old houses", "turn the light on", "sisters sing",
         "gold in the dust"]  # fmt: skip
rng = np.random.default_rng(0)
workplace = tempfile.TemporaryDirectory()
folder = pathlib.Path(workplace.name)
truths, PEN = {}, 4.0
with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["file_name", "text", "group"])
    for number, text in enumerate(TEXTS):
        strokes, shape = to_pixels(hand.write(text, rng), std=22)
        save_image(folder / f"{number}.png", draw_scan(strokes, shape, PEN, rng))
        rows.writerow([f"{number}.png", text, f"page {number // 3 + 1}"])
        truths[text] = strokes

# %% [markdown]
# ## From images to strokes
#
# What `python -m minirnn.prepare FOLDER --out SAMPLES` does, in its two steps: read the labels, trace each image
# (chapter 12).

# %%
items, problems = read_labelled(folder)
traced = [pair for item in items for pair in labelled_sets.trace_item(item)]
samples = [sample for sample, _ in traced]
print(f"{len(items)} images, {len(samples)} lines, {len(problems)} problems")
show.source(labelled_sets.trace_item, "if item.outline", "return [(Sample")

# %% [markdown]
# An image is never silently left out: what cannot be used becomes a line of the report, with the reason. A page of
# two lines whose label has three is refused as a whole, since nobody knows which text belongs to which line, and a
# wrong text is worse than none.
#
# Beside the samples the command leaves `contact_sheet_01.png`: the traces over the images, each stroke in its own
# colour. **Look at it.** It takes a minute, and shows what no number shows: a ruled line taken for ink, a line with
# the tails of the line above, a label beside the wrong image.

# %%
figure, axes = plt.subplots(3, 2, figsize=(11, 4.2))
for ax, (sample, grey) in zip(axes.ravel(), traced):
    ax.imshow(grey, cmap="gray", vmin=0, vmax=1)
    for stroke in sample.strokes:
        ax.plot(*stroke.T, "." if len(stroke) == 1 else "-", linewidth=1.5, markersize=5)
    ax.set_title(sample.text, fontsize=9)
    ax.axis("off")
show.picture(figure, "15_contact_sheet.png")

covered, false = [], []
for sample in samples:
    covered.append(overlap(truths[sample.text], sample.strokes, PEN / 2)[0])
    false.append(1 - overlap(sample.strokes, truths[sample.text], PEN / 2)[0])
print(f"of the written paths {np.mean(covered):.1%} were found; of the traced ones {np.mean(false):.1%} are false")
assert np.mean(covered) > 0.9 and np.mean(false) < 0.1

# %% [markdown]
# What an image cannot say: in which order and direction the strokes were written, and where a pen was lifted inside
# the ink. The tracer decides by rules (from left to right, as straight on as possible where lines cross). What the
# rules decide need not be what the hand did, but it is the same every time, and that is what a network needs in order
# to learn it.
#
# ## From strokes to symbols
#
# As in chapter 13. A pretrained network brings its own vocabulary of pen moves, and a hand that is learned later has to
# be said in it. Here, one is made from the lines themselves.

# %%
lines = [normalise(sample.strokes) for sample in samples]
vocabulary = PenVocabulary.fit_lifts(lines, count=64, directions=48, step=0.36)  # what minirnn.train takes by default
ids = [vocabulary.encode(line) for line in lines]
written = [vocabulary.encode(normalise(truths[sample.text])) for sample in samples]
characters = sum(len(sample.text) for sample in samples)
for name, encoded in (("traced", ids), ("as written", written)):
    strokes = sum(int(vocabulary.is_lift[line].sum()) for line in encoded)
    symbols = sum(map(len, encoded))
    print(f"{name:10}: {symbols / characters:.1f} symbols and {strokes / characters:.2f} strokes per character")

figure, axes = plt.subplots(3, 1, figsize=(9, 4.6), sharex=True, sharey=True)
stations = (("as written", normalise(truths[TEXTS[0]]), show.FORWARD), ("traced from its scan", lines[0], show.CELL),
            ("what the network learns: symbols, decoded", vocabulary.decode(ids[0]), show.ERROR))  # fmt: skip
for ax, (name, strokes, colour) in zip(axes, stations):
    for stroke in strokes:
        ax.plot(*stroke.T, "." if len(stroke) == 1 else "-", color=colour, linewidth=1.6)
    ax.set(title=name, aspect="equal")
    ax.axis("off")
axes[0].invert_yaxis()
show.picture(figure, "15_what_is_learned_from.png")

# %% [markdown]
# ## Is it enough?
#
# The network can write what it has seen. Before learning, `minirnn.train` prints how often each character occurs, and
# warns of rare ones. A made-up hand of thirteen letters has gaps, of course:

# %%
print(format_coverage(coverage(sample.text for sample in samples)))

# %% [markdown]
# The sheet's two pages, 28 sentences, were chosen such that they hold every letter and most pairs of letters of
# English. That is no more than about a thousand characters, though, and a network that started from nothing would
# need tens of thousands. Three things make up for it.
#
# *It need not start from nothing.* The pretrained network has learned from hundreds of hands what letters look like
# and how the window moves. What distinguishes the hands is, for the most part, one vector each: the row of `hand`
# that is added to every input. For a new hand, one row is appended, which starts as the one that predicts the new lines
# best, "any hand" among them, and then everything is trained on:

# %%
show.source(fine_tuning.nearest_hand, "for row in rows", "return rows")
show.source(fine_tuning.with_another_hand, "rows = params", "copy.load_params")

# %% [markdown]
# *Every line is many lines.* Each time it comes it is slanted, stretched, turned and bent anew before it is encoded.
# But only a little: slant and width are the hand's own, and are to be learned. (Where many hands are learned from
# scratch, lines are slanted and stretched much more, for there the network has to know all of them.)

# %%
figure, axes = plt.subplots(2, 2, figsize=(10, 2.9), sharex=True, sharey=True)
for seed, ax in enumerate(axes.ravel()):
    strokes = normalise(fine_tuning.augment_slightly(lines[1], np.random.default_rng(seed)) if seed else lines[1])
    for stroke in strokes:
        ax.plot(*stroke.T, "." if len(stroke) == 1 else "-", color=show.ERROR if seed else show.FORWARD, linewidth=1.3)
    ax.set(title=f"another time, {seed}" if seed else "traced", aspect="equal")
    ax.axis("off")
axes[0, 0].invert_yaxis()
show.picture(figure, "15_augmented.png")

# %% [markdown]
# *It is evaluated on lines that it has not seen*, and stopped when they no longer get better (chapter 10). The split
# goes by groups, not by lines: two lines of one page share the pen, the paper, the mood, perhaps words. With a line of
# the same page on either side, the validation would be too kind. So a group goes one way or the other as a whole, by a
# hash of its name, the same in every run:

# %%
show.source(fine_tuning.split_lines, "training, validation = split_by_group", "return [samples[i]")
training, validation = fine_tuning.split_lines(samples, fraction=0.5, seed=0)
print(f"{len(samples)} lines, {len(training)} to learn from, {len(validation)} for validation")

# %% [markdown]
# (With as few groups as here, chance may send them all one way. Then the lines are split one by one, and with fewer
# than ten, as here, all of them are learned, and validation uses the same ones. It is better than nothing, and too
# kind.)
#
# ## Fine-tuning
#
# The command, not run here, since it takes its time:
#
#     python -m minirnn.train --task hand --data myhand --out runs/myhand
#     python -m minirnn.write "Dear Anna," --hand runs/myhand -o letter.png
#
# How long is that? An epoch is all lines, each several times if they are few, cut into chunks of T steps for B lines at
# a time:

# %%
B, T, epochs = (fine_tuning.FINE_TUNING[name] for name in ("batch", "steps_per_chunk", "epochs"))
LINES, CHARACTERS = 28, 40
a_character, times = sum(map(len, ids)) / characters, fine_tuning.copies(LINES)
chunks = -(-int(LINES * times) // B) * -(-int(CHARACTERS * a_character) // T)
print(f"{LINES} lines of {CHARACTERS} characters at {a_character:.1f} symbols each, {times:.1f} times per epoch:")
print(f"{chunks} chunks. In {epochs:g} epochs, {epochs * chunks:g} steps, a line is seen {epochs * times:.0f} times")

# %% [markdown]
# That is the order of magnitude: some hundred steps, minutes where the pretraining took hours, and each line has by
# then been seen in a dozen shapes. A low learning rate keeps what the network knows of all hands (that there are
# letters your lines do not contain) while the hand's own row moves.
#
# What to look at while it runs: the validation loss, in nats per symbol, in `loss.png`; the samples, drawn at each
# evaluation; and the picture of the window beside them, which must stay the line that it was.
#
# **How much of it.** The weights that predict your hand best do not write it best: what they have learned of you, to
# the end, includes every slip and every gap of your tracing. Between the weights that they began with and the ones that
# they came to lies a straight line, and on it are hands ever more like yours and ever less legible. The run keeps both
# ends, and `minirnn.write` goes 0.6 of the way, or as far as `--likeness` says.

# %%
show.source(hands.part_of_the_way, "weights = {")

# %% [markdown]
# ## Predict, then change, then run
#
# Twenty-eight lines are seen several times per epoch. With ten times as many lines, will an epoch have ten times as
# many chunks? Write down the number of steps of the whole fine-tuning for 28 lines and for 280, then change `LINES,
# CHARACTERS = 28, 40`.
#
# ## Three questions
#
# 1. The tracer always starts an o at the top; you start yours at the bottom right. Does the network write your o?
#    What of you is lost, what is kept?
# 2. Why does the new row start as a row that is there, and not at random, or at zero?
# 3. All 28 lines were photographed on one page. What goes wrong with the split by groups, and what would you do?
#
# The answers stand in `answers/15.md`.
