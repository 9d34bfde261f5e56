"""A picture of what was read: the text over the ink, doubtful characters marked."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minirnn.images.draw_scan import draw_ink
from minirnn.images.image_files import save_image
from minirnn.ink.strokes import bounding_box

TEXT, DOUBT = (20, 60, 200), (220, 30, 30)
WIDE, HIGH = 1600, 4000  # pixels of the largest picture in which ink without a picture is drawn
MARGIN = 40
PALE = 0.55  # how much of the ink's darkness is left, so that the text over it can be read
SMALLEST, LARGEST = 9, 400  # pixels of a letter
NEAR = 4  # neighbours on either side whose ink a character is also drawn above


def draw_reading(path, page, readings):
    """Save the `minirnn.reading.sources.PageToRead` as a picture with each character that was read over its ink.

    Characters are drawn above the place where they were read; doubtful ones are red, and their ink is framed."""
    picture, scale, origin = _picture(page)
    draw = ImageDraw.Draw(picture)
    for reading in readings:
        heights = [box[3] - box[1] for box in reading.boxes if box]
        size = float(np.clip(0.7 * scale * np.median(heights or [0]), SMALLEST, LARGEST))
        font, doubtful = ImageFont.load_default(size), set(reading.doubtful)
        for u, (character, box) in enumerate(zip(reading.text, reading.boxes)):
            if box is None:
                continue
            corners = ((np.array(box).reshape(2, 2) - origin) * scale).ravel()
            middle = (corners[0] + corners[2]) / 2
            colour = DOUBT if u in doubtful else TEXT
            around = [near[1] for near in reading.boxes[max(0, u - NEAR) : u + NEAR + 1] if near]
            top = (min(around) - origin[1]) * scale  # of the ink here, since a line may rise or fall
            draw.text((middle, max(0.8 * size, top - 0.2 * size)), character, fill=colour, font=font, anchor="ms")
            if u in doubtful:
                draw.rectangle(list(corners), outline=DOUBT)
    save_image(path, np.asarray(picture) / 255)


def _picture(page):
    """The page as a pale picture in colours, and what takes its units to pixels: a scale and an origin (2,)."""
    if page.grey is not None:
        grey, scale, origin = page.grey, 1.0, np.zeros(2)
    else:
        points = [stroke for line in page.lines for stroke in line]
        left, top, right, bottom = bounding_box(points)
        scale = min(
            (length - 2 * MARGIN) / max(size, 1e-9) for length, size in ((WIDE, right - left), (HIGH, bottom - top))
        )
        origin = np.array([left, top]) - MARGIN / scale
        shape = (int((bottom - top) * scale) + 2 * MARGIN, WIDE)
        grey = 1 - draw_ink([(stroke - origin) * scale for stroke in points], shape, 3)
    levels = np.round(255 * (1 - PALE * (1 - grey))).astype(np.uint8)
    return Image.fromarray(levels).convert("RGB"), scale, origin
