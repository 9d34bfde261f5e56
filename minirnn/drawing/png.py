"""Pages as images, antialiased: Pillow draws a larger image, which is then averaged down."""

import io

import numpy as np
from PIL import Image, ImageColor, ImageDraw
from PIL.PngImagePlugin import PngInfo

from minirnn.drawing.ink import Run, ink
from minirnn.drawing.paper import RULE_WIDTH
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import bounding_box

MM_PER_INCH = 25.4
OVERSAMPLING = 4
# The larger image is drawn in strips of this many final rows, to bound the memory.
STRIP = 256
MAX_PIXELS = 200e6
GRAIN_SIZE = 0.15  # of the paper's tooth under a pencil, in mm
LINE_SCALE, LINE_PEN = 22, 3  # of the image of a line: pixels per unit, and the width of its pen in pixels
LINE_MARGIN = 8 + LINE_PEN / 2


def page_png(page, pen, dpi=200, seed=0, transparent=False):
    """Return a page as the bytes of a PNG file whose ``dpi`` give it its size in millimetres.

    The ground is white, or, if it is to be ``transparent``, there is none."""
    scale = dpi / MM_PER_INCH
    width, height = round(page.width * scale), round(page.height * scale)
    if min(width, height) < 1 or width * height > MAX_PIXELS:
        raise MinirnnError(f"{dpi:g} dpi make an image of {width} x {height} pixels; use between 10 and 600 dpi")
    ground = ("RGBA", (*ImageColor.getrgb(pen.colour), 0)) if transparent else ("RGB", "white")
    image = Image.new(ground[0], (width, height), ground[1])
    for colour in {colour for colour, _ in page.guides}:
        lines = [Run(line, RULE_WIDTH, 1.0) for line_colour, line in page.guides if line_colour == colour]
        image.paste(colour, mask=Image.fromarray(coverage(lines, width, height, scale)))
    cover = coverage(ink(page.strokes, pen, seed), width, height, scale)
    if pen.grain:
        cover = _grainy(cover, pen.grain, GRAIN_SIZE * scale, seed)
    if pen.opacity < 1:
        cover = np.rint(cover * pen.opacity).astype(np.uint8)
    image.paste(ImageColor.getrgb(pen.colour), mask=Image.fromarray(cover))

    file, about = io.BytesIO(), PngInfo()
    about.add_text("Software", "minirnn")
    image.save(file, format="PNG", dpi=(dpi, dpi), pnginfo=about)
    return file.getvalue()


def line_image(strokes):
    """Draw one line of normalised strokes, dark on white, as handwriting recognisers expect it.

    Returns a uint8 array (height, width): 255 is paper, 0 is ink.
    """
    x_min, y_min, x_max, y_max = bounding_box(strokes)
    size = np.array([x_max - x_min, y_max - y_min]) * LINE_SCALE + 2 * LINE_MARGIN
    width, height = np.ceil(size).astype(int).tolist()
    runs = [Run((stroke - [x_min, y_min]) * LINE_SCALE + LINE_MARGIN, LINE_PEN, 1.0) for stroke in strokes]
    return 255 - coverage(runs, width, height)


def coverage(runs, width, height, scale=1.0):
    """How much of each pixel is under ink: uint8 (height, width), 255 is all of it.

    ``scale`` is in pixels per unit of the runs. The upper left corner of the image is at (0, 0). Where two runs cross,
    the darker one shows, whatever their order.
    """
    runs = sorted(runs, key=lambda run: run.darkness)
    reach = [(run.points[:, 1].min() - run.width, run.points[:, 1].max() + run.width) for run in runs]
    cover = np.zeros((height, width), np.uint8)
    for top in range(0, height, STRIP):
        rows = min(STRIP, height - top)
        strip = Image.new("L", (width * OVERSAMPLING, rows * OVERSAMPLING))
        draw = ImageDraw.Draw(strip)
        for run, (y_min, y_max) in zip(runs, reach):
            if y_max * scale >= top and y_min * scale <= top + rows:
                _draw_run(draw, run.points * scale - [0, top], run.width * scale, round(255 * run.darkness))
        cover[top : top + rows] = strip.reduce(OVERSAMPLING)
    return cover


def _draw_run(draw, points, width, value):
    """Draw a line of constant width with a disc at every point, for round joints and ends; all in final pixels."""
    # Pillow counts pixels by their centres and cuts off fractions. Its own round joints take minutes for a page of
    # 600 dpi.
    points, width = points * OVERSAMPLING - 0.5, max(1, round(width * OVERSAMPLING))
    draw.line(np.rint(points).ravel().tolist(), fill=value, width=width)
    radius = (width - 1) / 2
    for box in np.rint(np.column_stack([points - radius, points + radius])).tolist():
        draw.ellipse(box, fill=value)


def _grainy(cover, grain, size, seed):
    """Take away ink where the paper's tooth does not reach the lead; ``size`` is that of a grain in pixels."""
    from scipy.ndimage import gaussian_filter  # only a pencil needs it

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(cover.shape, dtype=np.float32), size / 2)
    missing = grain * np.clip(0.5 + 0.4 * noise / noise.std(), 0, 1)
    return (cover * (1 - missing)).astype(np.uint8)
