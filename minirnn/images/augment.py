"""Small random changes of an image of a line that leave it the same text in the same hand.

The networks learn from strokes, which are augmented in `minirnn.ink.strokes`; these are the same changes, and some
more, for whoever learns from images. ``python -m minirnn.prepare --show`` draws them.

Every change is a function of its own of (grey, rng, ...) -> grey, with grey (H, W) in [0, 1]; the same generator
state gives the same picture. `augment_image` puts them in a row.
"""

import numpy as np
from scipy import ndimage
from skimage import filters, transform

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


def rotate_image(grey, rng, degrees=1.5):
    """Turn about the middle by a normal angle of standard deviation ``degrees``; the size stays."""
    return np.clip(transform.rotate(grey, rng.normal(0, degrees), order=1, mode="constant", cval=1), 0, 1)


def shear_image(grey, rng, slant=0.1):
    """Lean the letters by a normal shear of standard deviation ``slant`` (tangent of the angle)."""
    shear = rng.normal(0, slant)
    # Output to input: x = x' + shear (y' - middle); the middle row stays in place.
    matrix = np.array([[1, shear, -shear * (grey.shape[0] - 1) / 2], [0, 1, 0], [0, 0, 1]])
    return np.clip(transform.warp(grey, matrix, order=1, cval=1), 0, 1)


def scale_image(grey, rng, spread=0.1):
    """Stretch width and height by factors whose logarithms have a standard deviation of ``spread``."""
    shape = np.maximum(1, np.round(grey.shape * np.exp(rng.normal(0, spread, 2)))).astype(int)
    return np.clip(transform.resize(grey, tuple(shape), order=1, anti_aliasing=True, mode="edge"), 0, 1)


def elastic_image(grey, rng, strength=2.0, size=15.0):
    """Distort elastically (Simard, Steinkraus and Platt 2003): each pixel moves about ``strength`` pixels,
    neighbours within about ``size`` pixels alike."""
    shift = np.stack([_smooth_noise(grey.shape, rng, size) for _ in range(2)]) * strength
    return ndimage.map_coordinates(grey, np.indices(grey.shape) + shift, order=1, mode="constant", cval=1.0)


def pen_width_image(grey, rng, spread=1.0):
    """Make the pen broader or finer by up to ``spread`` pixels on each side."""
    change = rng.uniform(-spread, spread)
    # A minimum over the neighbours makes ink, which is dark, broader. Part of a pixel is a mixture.
    extreme = ndimage.grey_erosion if change > 0 else ndimage.grey_dilation
    whole = int(abs(change))
    for _ in range(whole):
        grey = extreme(grey, footprint=CROSS, mode="nearest")
    rest = abs(change) - whole
    more = extreme(grey, footprint=CROSS, mode="nearest")
    return (1 - rest) * grey + rest * more


def noise_image(grey, rng, strength=0.05):
    """Add normal noise of a standard deviation of up to ``strength`` grey levels."""
    return np.clip(grey + rng.normal(0, rng.uniform(0, strength), grey.shape), 0, 1)


def blur_image(grey, rng, sigma=1.0):
    """Blur by a Gaussian of a standard deviation of up to ``sigma`` pixels."""
    return np.clip(filters.gaussian(grey, rng.uniform(0, sigma), mode="nearest"), 0, 1)


CHANGES = {
    "rotation": rotate_image,
    "shear": shear_image,
    "scale": scale_image,
    "elastic": elastic_image,
    "pen": pen_width_image,
    "blur": blur_image,
    "noise": noise_image,
}


def augment_image(grey, rng, changes=tuple(CHANGES)):
    """Put the image through the ``changes``, names of `CHANGES`, in their order there."""
    unknown = set(changes) - CHANGES.keys()
    if unknown:
        raise ValueError(f"no such change: {sorted(unknown)}; there are {', '.join(CHANGES)}")
    for name, change in CHANGES.items():
        if name in changes:
            grey = change(grey, rng)
    return grey


def _smooth_noise(shape, rng, size):
    """(H, W) noise of standard deviation about 1 whose bumps are ``size`` pixels wide."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), size, mode="constant")
    return field / max(field.std(), 1e-9)
