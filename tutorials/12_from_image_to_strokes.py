# %% [markdown]
# # 12. From an image to strokes
#
# **Takes for granted**: images as arrays; means and standard deviations. No network occurs in this chapter.
#
# **Runs for**: about 10 seconds.
#
# **You should see**: a scan with everything that scans have (a shadow, noise, ruled lines, a page that lies askew)
# become ink, two separate lines, a skeleton, a graph, and at last strokes in the order in which a hand would have
# written them, which lie on the strokes that the scan was drawn from to within half the width of the pen.
#
# A pen that was recorded says where it went. An image says only where ink is. To learn from images, a program has to
# find the way back: which pixels are ink, which ink belongs together, and how the pen moved. All of it stands in
# `minirnn.images`, one function per step, most of them a call or two of scikit-image or SciPy.

# %%
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from skimage import filters

from minirnn.course import show
from minirnn.images import clean, line_labels, lines, trace
from minirnn.images.draw_scan import draw_ink, draw_scan
from minirnn.images.pipeline import read_page
from minirnn.images.rules import _share_along_segments, remove_rules
from minirnn.images.skeleton import clean_graph, skeleton_graph, turn_between
from minirnn.images.text_lines import find_text_lines
from minirnn.ink.strokes import rotate, smooth
from minirnn.studies.tracing import overlap

# %% [markdown]
# ## A scan whose truth is known
#
# To judge a way back one has to know the way out. So a small page is written here, with seven letters made of a few
# points each and a spline through them. One unit is the height of an x, y points down, the base line is y = 0.

# %%
RING = np.linspace(0.5 * np.pi, -1.5 * np.pi, 40)
LETTERS = {
    "i": [[(0, -1), (0.02, -0.25), (0.12, 0), (0.32, -0.15)], [(0.02, -1.5)]],
    "n": [[(0, -1), (0, 0)],
          [(0, -0.5), (0.13, -0.85), (0.36, -1), (0.54, -0.8), (0.55, -0.2), (0.65, 0), (0.8, -0.1)]],
    "k": [[(0, -1.9), (0, 0)], [(0.52, -1), (0.3, -0.75), (0.03, -0.5)], [(0.03, -0.5), (0.3, -0.3), (0.58, 0)]],
    "t": [[(0.15, -1.6), (0.15, -0.4), (0.22, -0.06), (0.42, 0), (0.52, -0.1)], [(-0.12, -1.05), (0.48, -1.1)]],
    "o": [np.column_stack([0.3 + 0.3 * np.cos(RING), -0.5 - 0.5 * np.sin(RING)])],
    "l": [[(0, -1.9), (0, -0.35), (0.1, 0), (0.3, -0.12)]],
    "e": [[(0.02, -0.5), (0.36, -0.53), (0.52, -0.75), (0.3, -1), (0.05, -0.75), (0.04, -0.3), (0.28, 0),
           (0.55, -0.15)]],
}  # fmt: skip
ADVANCE = {"i": 0.55, "n": 1.05, "k": 0.85, "t": 0.8, "o": 0.9, "l": 0.55, "e": 0.85, " ": 0.7}


def write(text):
    """The strokes of ``text``, its base line at y = 0."""
    strokes, x = [], 0.0
    for letter in text:
        strokes += [smooth(np.array(points, float) + np.array([x, 0])) for points in LETTERS.get(letter, [])]
        x += ADVANCE[letter]
    return strokes


UNIT, PEN, SHAPE = 38, 4.5, (370, 560)  # the height of an x, the pen and the page, in pixels
TEXT = ["ink to line", "not one knot"]
ASKEW = np.radians(-3)  # the lines rise to the right
page_strokes = [[UNIT * stroke + (45, 150 + 130 * row) for stroke in write(text)] for row, text in enumerate(TEXT)]
truth = [rotate(strokes, ASKEW) for strokes in page_strokes]
printed = rotate([np.array([(-20.0, y), (580.0, y)]) for y in (98, 228)], ASKEW)

rng = np.random.default_rng(0)
specks = [rng.uniform((10, 10), (550, 360), (1, 2)) for _ in range(25)]
every_stroke = [stroke for strokes in truth for stroke in strokes]
grey = draw_scan(every_stroke, SHAPE, PEN, rng, light=0.55)
grey = grey * (1 - 0.5 * draw_ink(printed, SHAPE, 2.5)) * (1 - 0.8 * draw_ink(specks, SHAPE, 1.6))


def show_image(ax, image, title, **options):
    """An image without axes; ink (bool) is drawn black on white."""
    image = ~image if image.dtype == bool else image
    ax.imshow(image, **{"cmap": "gray", "vmin": 0, "vmax": 1, **options})
    ax.set_title(title)
    ax.axis("off")


figure, axes = plt.subplots(1, 2, figsize=(11, 4.2))
show_image(axes[0], np.ones(SHAPE), "The strokes")
for stroke in every_stroke:
    axes[0].plot(*stroke.T, "-" if len(stroke) > 1 else ".", linewidth=2)
show_image(axes[1], grey, "The scan")
show.picture(figure, "12_the_scan.png")

# %% [markdown]
# From here on only the scan is used. An image is an array `grey` of shape (H, W), 0 is black and 1 white.
#
# ## Step 1: the light
#
# The left of the page is not as bright as the right: one threshold for all of it is bound to fail, as the second
# picture of step 3 will show. What has to be known is how bright the bare paper would be at each pixel. A **closing**
# says so. First each pixel becomes the maximum of a window around it (a dilation: the bright paper floods every stroke
# narrower than the window), then the minimum (an erosion, which moves the edges of what was not flooded back). The
# quotient of image and paper is the share of the light that the ink lets through, whatever the light was.

# %%
def closing_plain(levels, window):
    """levels (W,): the maximum, then the minimum, in windows of ``window`` pixels, an odd number."""
    half = window // 2
    for extreme, edge in ((np.max, -np.inf), (np.min, np.inf)):
        padded = np.pad(levels, half, constant_values=edge)
        levels = np.array([extreme(padded[x : x + window]) for x in range(len(levels))])
    return levels


show.source(clean.remove_light, "height, width", "return np.clip")
even = clean.remove_light(grey)
ROW = 130
below = np.nonzero((even[ROW] > 0) & (even[ROW] < 1))[0]  # not clipped: image / quotient gives the paper back
paper = np.interp(np.arange(SHAPE[1]), below, grey[ROW, below] / even[ROW, below])
closed = closing_plain(grey[ROW], 61)
assert np.array_equal(closed, ndimage.grey_closing(grey[ROW], 61))

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3.4))
for ax, row in ((left, grey[ROW]), (right, even[ROW])):
    ax.plot(row, color=show.FORWARD, linewidth=0.8)
    ax.set(ylim=(0, 1.1), xlabel="column")
left.plot(paper, color=show.ERROR, label="the paper, as found")
left.plot(closed, color=show.GREY, linestyle=":", label="the row's own closing")
left.set_title(f"Row {ROW} of the scan")
left.legend(loc="lower right", fontsize=8)
right.set_title("Divided by the paper")
show.picture(figure, "12_light.png")

# %% [markdown]
# The package closes the whole image at once, shrunk to a quarter, which is sixteen times cheaper and less led astray by
# noise: the maximum of many noisy pixels is too high, so the dotted line lies above the paper.
#
# ## Step 2: the contrast
#
# Pencil is paler than ink, and grey paper darker than white. Where is typical ink, where typical paper? **Otsu's
# method** splits the histogram of grey levels where the two sides are most unlike each other: with shares w0, w1 and
# means m0, m1 of both sides it takes the level at which
#
# $$w_0\, w_1\, (m_0 - m_1)^2 \qquad \text{the variance between the classes}$$
#
# is largest. The total variance is this plus the variance within the classes, so the split is also the one with the
# most uniform sides.

# %%
def otsu_plain(levels, bins=256):
    """The grey level that separates ``levels`` best into dark and bright."""
    counts, edges = np.histogram(levels, bins)
    centres, share = (edges[:-1] + edges[1:]) / 2, counts / counts.sum()
    between = []
    for split in range(1, bins):
        w0, w1 = share[:split].sum(), share[split:].sum()
        m0, m1 = share[:split] @ centres[:split] / w0, share[split:] @ centres[split:] / w1
        between.append(w0 * w1 * (m0 - m1) ** 2)
    return centres[int(np.argmax(between))]


blurred = filters.gaussian(even, 1)
split = otsu_plain(blurred)
assert abs(split - filters.threshold_otsu(blurred)) < 1e-12
show.source(clean.normalise_contrast, "blurred = ", "return np.clip")
contrast = clean.normalise_contrast(even)

figure, ax = plt.subplots(figsize=(7.5, 3.2))
ax.hist(blurred.ravel(), 120, color=show.FORWARD, log=True)
dark = blurred < split
for level, name in ((np.median(even[dark]), "ink"), (split, "split"), (np.median(even[~dark]), "paper")):
    ax.axvline(level, color=show.ERROR, linestyle="-" if name == "split" else "--")
    ax.text(level + 0.005, ax.get_ylim()[1] * 0.5, name, color=show.ERROR)
ax.set(xlabel="grey level", ylabel="pixels", title="Otsu's split; the two medians become 0 and 1")
show.picture(figure, "12_contrast.png")

# %% [markdown]
# ## Step 3: what is ink
#
# One threshold for the page is still not enough: thin strokes are paler than thick ones, and blots darken what is
# around them. **Sauvola's threshold** is local. With mean m and standard deviation s of a window around the pixel,
#
# $$\text{threshold} = m \left(1 + k \left(\frac{s}{R} - 1\right)\right)$$
#
# with R = 0.5, the largest s that levels in [0, 1] can have.
#
# Bare paper has a small s, so that the threshold falls to about (1 - k) m: noise is not mistaken for ink. Beside a
# stroke s is large, and the threshold rises towards m. The larger k, the stricter. The package takes a strict one for
# the strokes and a lenient one for dots that the pen has hardly touched.

# %%
def sauvola_plain(image, row, column, window, k=0.7, R=0.5):
    """The threshold at one pixel that is not near the edge."""
    half = window // 2
    around = image[row - half : row + half + 1, column - half : column + half + 1]
    m, s = around.mean(), around.std()
    return m * (1 + k * (s / R - 1))


show.source(clean.ink_level, "mean, deviation = ", "strict, lenient")
for row, column in ((150, 100), (175, 300), (300, 500)):
    # A piece of the page: scikit-image's sums run over all of an image, and the rounding errors grow with them.
    around = contrast[row - 30 : row + 31, column - 30 : column + 31]
    threshold = filters.threshold_sauvola(around, window_size=45, k=0.7, r=0.5)[30, 30]
    assert abs(threshold - sauvola_plain(contrast, row, column, 45)) < 1e-12

ink = clean.threshold_ink(contrast)
large = ndimage.zoom(contrast[85:165, 45:165], 4, order=1)  # as if scanned with four times the resolution
default = filters.threshold_sauvola(large, window_size=15, k=0.7, r=0.5)
figure, axes = plt.subplots(1, 3, figsize=(14, 3.4))
show_image(axes[0], grey < filters.threshold_otsu(grey), "Otsu on the scan as it came")
show_image(axes[1], large < default, "A finer scan, a window of 15 pixels")
show_image(axes[2], clean.threshold_ink(large), "the same, as in the package")
show.picture(figure, "12_ink.png")

# %% [markdown]
# In the first picture the shadow has become ink. In the second the strokes are eaten away: a window of 15 pixels,
# scikit-image's default, sees nothing but ink when it stands inside a stroke of 20, and then m is the ink's own grey
# and s is small. The package takes a window of ten pens. So the pen has to be measured.
#
# ## Step 4: the pen
#
# The distance transform says for each pixel of ink how far the nearest paper is. Along the middle of a stroke that is
# half of the pen's width. (The ruled lines are measured, too, so it is measured again when they are gone.)

# %%
show.source(clean.pen_width, "middle = ", "return")
pen = clean.pen_width(ink)
distance = ndimage.distance_transform_edt(ink)
figure, ax = plt.subplots(figsize=(9, 3.4))
image = ax.imshow(np.where(ink, distance, np.nan)[90:160, 40:230], cmap="viridis", extent=(40, 230, 160, 90))
figure.colorbar(image, ax=ax, label="pixels to the paper", shrink=0.8)
ax.set_title(f"Distance transform: a pen of {pen:.1f} pixels (drawn with {PEN}, then blurred)")
show.picture(figure, "12_pen.png")
assert abs(pen - PEN) < 1.5

# %% [markdown]
# ## Step 5: upright
#
# Add up the ink row by row. On an upright page the sums are a comb: lines, gaps, lines. On a page that lies askew the
# comb is smeared. So the page is tried at many angles, and the one is taken whose sums of ink have the largest sum of
# squares: the total is the same for all angles, and with a given total the squares are largest where it is most
# unevenly spread. Turning an image at each angle would be slow. To move each ink pixel by its shear, y + x tan(angle),
# is enough, and it is only a histogram.

# %%
show.source(lines._sharpest, "def sharpness", "return float(np.sum")


def profile(ink, angle):
    """Ink by row on the page turned by ``angle`` degrees."""
    y, x = np.nonzero(ink)
    moved = y + (x - x.mean()) * np.tan(np.radians(angle))
    return np.bincount(np.round(moved - moved.min()).astype(int)).astype(float)


angle = lines.find_rotation(ink)
angles = np.linspace(-8, 8, 161)
figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.4))
left.plot(angles, [np.sum(profile(ink, a) ** 2) for a in angles], color=show.FORWARD)
left.axvline(angle, color=show.ERROR, linestyle="--")
left.set(xlabel="angle, degrees", ylabel="Σ (ink in a row)²", title=f"Sharpest at {angle:.2f} degrees")
right.plot(profile(ink, 0), color=show.GREY, label="as it came")
right.plot(profile(ink, angle), color=show.FORWARD, label="upright")
right.set(xlabel="row", ylabel="ink in the row", title="Ink by row")
right.legend()
show.picture(figure, "12_upright.png")
print(f"the page was turned by {-np.degrees(ASKEW):.2f} degrees, found {angle:.2f}")
assert abs(angle + np.degrees(ASKEW)) < 0.3

# %% [markdown]
# The spikes are the ruled lines; on a page without them the humps of the written lines do the same.
#
# ## Step 6: rules and specks
#
# A printed rule is a thin ridge of darkness far longer than any stroke. Along short segments of it, nearly every pixel
# is darker than what lies a little above and below; along a line of handwriting, only some are. Paper bends, so the
# segments are tried at several slopes: the picture is **sheared**, and the mean along a row is taken. Where writing
# crosses a rule, ink stands above or below, or is darker, and there it stays. Specks are connected pieces too small for
# the dot of an i.

# %%
show.source(_share_along_segments, "for slope", "np.maximum")
show.source(clean.remove_specks, "smallest = ", "return")
upright, matrix = lines.rotate(contrast, angle)
level = clean.ink_level(upright)
ink = level > 0
pen = clean.pen_width(ink)
unruled = remove_rules(level, ink, pen)
spotless = clean.remove_specks(unruled, clean.pen_width(unruled))
figure, axes = plt.subplots(1, 3, figsize=(14, 3.8))
for ax, image, title in zip(axes, (ink, unruled, spotless), ("Upright", "without rules", "without specks")):
    show_image(ax, image, title)
show.picture(figure, "12_rules_and_specks.png")

# %% [markdown]
# ## Step 7: lines
#
# Averaged over many letters along the line and over the height of the small letters across it, the ink has one long
# **ridge** per line, which may slant and bend. But lines are not separated by a straight cut: a g reaches down, a k
# reaches up. So each connected piece of ink belongs to the line in whose middle most of it lies. A piece that belongs
# to two lines, where letters touch, is cut along a **seam**, the way from left to right through the least ink, which
# dynamic programming finds column by column.

# %%
show.source(line_labels.seam, "total = ", "total[:, column] +=")
text_lines = find_text_lines(spotless, pen)
labels = line_labels.label_ink(spotless, pen, text_lines)
assert labels.max() == len(TEXT)
figure, ax = plt.subplots(figsize=(7, 4.4))
colours = np.array([[1, 1, 1], plt.matplotlib.colors.to_rgb(show.FORWARD), plt.matplotlib.colors.to_rgb(show.ERROR)])
ax.imshow(colours[labels])
for line in text_lines:
    ax.plot(line.columns, line.rows, color=show.GREY, linestyle="--", linewidth=1)
ax.set_title(f"{labels.max()} lines (dashed: the ridges)")
ax.axis("off")
show.picture(figure, "12_lines.png")

# %% [markdown]
# From here on each line is treated by itself. It is cut out and scaled so that the standard deviation of y of its ink
# is 60 pixels, whatever the scan's resolution was: the lengths below mean the same on every page. The function that
# does all steps, from the scan to the strokes of every line, is `read_page`.

# %%
page, found = read_page(grey)
line = found[0]
pen = clean.pen_width(line.ink)
print(f"line 1: {line.ink.shape[1]} x {line.ink.shape[0]} pixels, pen {pen:.1f}")

# %% [markdown]
# ## Step 8: the skeleton
#
# Thinning takes pixels off the edge of the ink, as long as nothing falls apart, until lines of one pixel are left. Read
# as a **graph**: pixels with two neighbours are on the way, all others are nodes, ends (one neighbour) or crossings
# (three or more).
#
# Thinning leaves two kinds of dirt. Bumps on the edge grow *spurs*, short twigs that lead nowhere. And where two
# strokes cross, the skeleton has not one crossing of four but two forks of three with a short *link* between them. Both
# are shorter than the pen is wide, and that is how they are known.

# %%
def draw_graph(ax, graph, title):
    """Edges as lines, ends (and the node that every ring gets) as open circles, crossings as filled ones."""
    for a, b, path in graph.edges.values():
        ax.plot(*np.concatenate([graph.nodes[a][None], path, graph.nodes[b][None]]).T, color=show.FORWARD)
    for node, (x, y) in graph.nodes.items():
        crossing = graph.degree(node) > 2
        ax.plot(x, y, "o", color=show.ERROR, markersize=7, markerfacecolor=show.ERROR if crossing else "white")
    ends = sum(graph.degree(node) == 1 for node in graph.nodes)
    crossings = sum(graph.degree(node) > 2 for node in graph.nodes)
    ax.set_title(f"{title}: {ends} ends, {crossings} crossings")


show.source(skeleton_graph, "morphology.skeletonize")
graph = skeleton_graph(line.ink)
figure, axes = plt.subplots(2, 1, figsize=(12, 7.4))
for ax, title in zip(axes, ("The skeleton", "without spurs and links")):
    if title != "The skeleton":
        graph = clean_graph(graph, pen)
    show_image(ax, 1 - 0.2 * line.ink, "")
    draw_graph(ax, graph, title)
show.picture(figure, "12_skeleton.png")

# %% [markdown]
# ## Step 9: through the crossings
#
# At a crossing the pen goes on as straight as it can. For each pair of edges there is the angle by which a pen would
# turn; the pairs are taken in order of that angle, and an edge that has found its partner is out. A turn of more than
# 80 degrees is too sharp: there a stroke ends. The direction of an edge is measured a little away from the node,
# beyond the blot that two strokes make where they cross. At the crossing of the t:

# %%
crossings = [node for node in graph.nodes if graph.degree(node) == 4]
crossing = min(crossings, key=lambda node: graph.nodes[node][1])  # that of the t lies higher than that of the k
WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
away = {}  # name of an edge: its direction
for end in graph.ends[crossing]:
    direction = graph.direction(end, pen)
    away[max(WAYS, key=lambda way, d=direction: d @ WAYS[way])] = direction
turns = sorted((turn_between(away[one], away[two]), one, two) for one, two in combinations(away, 2))
for turn, one, two in turns:
    print(f"{one:>5} - {two:5} {np.degrees(turn):4.0f} degrees")
assert {frozenset(turn[1:]) for turn in turns[:2]} == {frozenset(("left", "right")), frozenset(("up", "down"))}
show.source(trace.join_edges, "for ends in graph", "partners[one], partners[two]")

# %% [markdown]
# One thing an image hides altogether: where the pen went twice. In many an n the pen comes down and goes up again on
# the same line, before it turns into the arch. `double_edges` finds such stems by their forks, where both other
# branches run smoothly into the stem but make a corner with each other, and lets the pen go along them twice.
#
# ## Step 10: direction and order
#
# Nothing in an image says which way the pen went. What remains are the habits of a right-handed European hand: upright
# strokes begin at the top, others at the left, rings at the top and counterclockwise. Letters are ordered from the left
# by their middles, and each is followed by the dots and bars that belong to it. At school one learns to dot the i when
# the word is done; recordings show that most people do it as soon as they have lifted the pen, and the network has
# learned from them. With these two steps the tracing is complete:

# %%
show.source(trace.trace, "clean_graph(", "return order_strokes")
show.source(trace.direct_stroke, "dx, dy", "return stroke[::-1] if backwards")
figure, axes = plt.subplots(2, 1, figsize=(12, 7.6))
for ax, result in zip(axes, found):
    points = np.concatenate(result.strokes)
    show_image(ax, 0.5 + 0.5 * grey, "")
    for number, stroke in enumerate(result.strokes, start=1):
        colour = show.COLOURS[number % len(show.COLOURS)]
        ax.plot(*stroke.T, "-" if len(stroke) > 1 else "o", color=colour, linewidth=2)
        ax.plot(*stroke[0], "o", color=colour, markersize=5)
        ax.annotate(str(number), stroke[0], textcoords="offset points", xytext=(-9, 4), color=colour, size=11)
    (x0, y0), (x1, y1) = points.min(axis=0) - 25, points.max(axis=0) + 20
    ax.set(xlim=(x0, x1), ylim=(y1, y0))
axes[0].set_title("Strokes in writing order; each begins at its dot")
show.picture(figure, "12_strokes.png")

# %% [markdown]
# ## Was it the way back?
#
# Here the truth is known. `covered` is the share of the length of the true strokes that has a traced one within half a
# pen, `false` the share of the traced length that has no true one so near.

# %%
for text, result, strokes in zip(TEXT, found, truth):
    covered, _ = overlap(strokes, result.strokes, PEN / 2)
    false = 1 - overlap(result.strokes, strokes, PEN / 2)[0]
    counts = f"{len(strokes)} strokes written, {len(result.strokes)} found"
    print(f"{text!r}: covered {covered:.3f}, false {false:.3f}; {counts}")
    assert covered > 0.95 and false < 0.03

# %% [markdown]
# The paths are right; the way along them is a guess. The n, written as two strokes, has come back as one that begins at
# its foot. A hand could have written either, and for the network it does not matter, as long as like shapes are traced
# alike. Mostly they are, not always: compare the two k.
#
# How much is lost on real handwriting, measured over hundreds of recorded lines with pens, papers and lights drawn
# at random, is what `python -m minirnn.studies.tracing` prints. What becomes of the strokes, steps of one length and
# lifts, is chapter 13.
#
# ## Predict, then change, then run
#
# In step 1, the row's own closing uses windows of 61 pixels. What will the dotted line look like with
# `closing_plain(grey[ROW], 61)` at 3 pixels? The pen is 4.5 pixels wide. Sketch it, then change both calls.
#
# ## Three questions
#
# 1. Why does the contrast (step 2) come after the light (step 1) and not before?
# 2. The threshold needs the width of the pen, and the width of the pen is measured on the thresholded image. How does
#    the package get out of the circle?
# 3. Which of the ten steps would go wrong for Arabic, and which for a page of sheet music?
#
# The answers stand in `answers/12.md`.
