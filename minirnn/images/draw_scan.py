"""Draw strokes as a scanner would see them: the opposite of tracing, to measure it and to test it."""

import io

import numpy as np
from PIL import Image
from skimage import filters

from minirnn.drawing.ink import Run
from minirnn.drawing.png import coverage


def to_pixels(strokes, std=30.0, margin=30):
    """Scale strokes to ``std`` pixels per standard deviation of y, moved ``margin`` pixels from the top left.

    30 pixels are about a handwriting of 3 mm x-height scanned at 300 dpi.
    Returns the strokes in pixels and the (height, width) of an image that holds them.
    """
    points = np.concatenate(strokes)
    scale = std / max(points[:, 1].std(), 1e-9)
    corner = points.min(axis=0)
    strokes = [(stroke - corner) * scale + margin for stroke in strokes]
    width, height = np.ceil(np.concatenate(strokes).max(axis=0)).astype(int) + margin
    return strokes, (int(height), int(width))


def draw_ink(strokes, shape, pen):
    """Ink of a round pen ``pen`` pixels wide: (H, W) float, 0 none to 1 full. Strokes are in pixels.

    Pixel (0, 0) has its centre at x = 0, y = 0, as everywhere in this package.
    """
    runs = [Run(np.asarray(stroke) + 0.5, pen, 1.0) for stroke in strokes]
    return coverage(runs, shape[1], shape[0]) / 255


def draw_scan(strokes, shape, pen, rng, blur=0.8, noise=0.04, paper=0.04, light=0.15, jpeg_quality=75):
    """The strokes (in pixels) as a scan: (H, W) grey levels in [0, 1].

    ``pen`` its width in pixels, ``blur`` the standard deviation of the optics in pixels, ``noise`` that of the
    sensor in grey levels, ``paper`` that of the paper's texture, ``light`` how much darker one side of the page is,
    ``jpeg_quality`` 1 to 95, or None for no compression. ``rng`` is a numpy Generator.
    """
    ink = draw_ink(strokes, shape, pen)
    ink = filters.gaussian(ink, blur) if blur else ink
    pressure = 0.75 + 0.1 * _cloud(shape, 12, rng)  # ink is never evenly black
    grey = 0.95 + paper * (0.5 * _cloud(shape, 1.5, rng) + 0.5 * _cloud(shape, 25, rng))
    grey = grey * (1 - np.clip(pressure, 0.5, 0.95) * ink)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[: shape[0], : shape[1]]
    ramp = (x / shape[1] - 0.5) * np.cos(angle) + (y / shape[0] - 0.5) * np.sin(angle)
    grey = grey * (1 - light * (ramp + 0.5))
    grey = np.clip(grey + rng.normal(0, noise, shape), 0, 1)
    if jpeg_quality is None:
        return grey
    memory = io.BytesIO()
    Image.fromarray(np.round(grey * 255).astype(np.uint8)).save(memory, "JPEG", quality=jpeg_quality)
    return np.asarray(Image.open(memory), dtype=np.float64) / 255


def _cloud(shape, sigma, rng):
    """Random noise of standard deviation 1 whose bumps are ``sigma`` pixels wide."""
    cloud = filters.gaussian(rng.normal(size=shape), sigma, mode="wrap")
    return cloud / max(cloud.std(), 1e-9)
