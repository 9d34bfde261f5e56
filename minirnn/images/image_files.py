"""Open any image file as grey levels: 0 is black, 1 is white."""

import contextlib
import itertools
import pathlib
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minirnn.errors import MinirnnError
from minirnn.files import atomic
from minirnn.images.documents import document_kind, draw_pdf, enable_heic

# Others, which Pillow could open as well, are rare in scans, and some of them are programs (EPS is run by Ghostscript).
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")
ORIENTATION, SUBFILE_TYPE = 0x0112, 0x00FE  # tags of EXIF and TIFF
NO_PAGE = 1 | 4  # bits of the latter: a smaller copy of another page, a mask
MAX_PIXELS = 60_000_000  # a double A4 page at 600 dpi; more is a mistake, or a file made to exhaust the memory


def read_image(path):
    """Read the image file ``path``, of any mode, upright as its EXIF orientation says.

    Returns (H, W) float64 grey levels from 0 (black) to 1 (white); transparent pixels are white paper.
    Raises MinirnnError when there is no such file, it is no image, it is cut off, it has more than
    ``MAX_PIXELS`` pixels, or it has several pages.
    """
    pages = list(itertools.islice(read_pages(path), 2))
    if len(pages) > 1:
        raise MinirnnError(f"{path}: has several pages, and one is expected here; save each page as an image")
    return pages[0]


def read_pages(path, colours=False):
    """Yield the pages of an image file, each as `read_image` returns it: of a TIFF or a PDF all of them, else one.

    With ``colours``, pictures that have colours come as (H, W, 3) red, green and blue from 0 to 1, float32.
    """
    with _said_in_one_line(path):
        kind = document_kind(path)
        if kind == "PDF":
            yield from draw_pdf(path, MAX_PIXELS)
            return
        with _opened(path, kind) as image:
            count = image.n_frames if image.format == "TIFF" else 1
            for number in range(count):
                if count > 1:
                    image.seek(number)
                    if number and image.tag_v2.get(SUBFILE_TYPE, 0) & NO_PAGE:
                        continue
                    _check_size(path, image)
                image.load()
                upright = ImageOps.exif_transpose(image)
                if colours and upright.mode in ("RGB", "YCbCr", "CMYK"):
                    yield np.asarray(upright.convert("RGB"), dtype=np.float32) / 255
                else:
                    yield _grey_levels(upright)


def stored_size(path):
    """((width, height) of an image as it is stored, its EXIF orientation from 1 to 8), without reading its pixels."""
    with _said_in_one_line(path):
        kind = document_kind(path)
        if kind == "PDF":  # has no pixels of its own
            return read_image(path).shape[::-1], 1
        with _opened(path, kind) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
            return image.size, orientation if orientation in range(1, 9) else 1


@contextlib.contextmanager
def _opened(path, kind):
    """The Pillow image in the file ``path``, whose size has been checked before any pixel is decoded."""
    if kind == "HEIC":
        enable_heic(path)
    with warnings.catch_warnings():
        # Pillow's own warning comes at another limit.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=("HEIF",) if kind == "HEIC" else FORMATS) as image:
            _check_size(path, image)
            yield image


def _check_size(path, image):
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise MinirnnError(f"{path}: {width} x {height} pixels are too many (at most {MAX_PIXELS:,}); scale it down")


@contextlib.contextmanager
def _said_in_one_line(path):
    """Whatever goes wrong with the image file ``path`` becomes a MinirnnError."""
    try:
        yield
    except FileNotFoundError:
        raise MinirnnError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise MinirnnError(f"{path}: is a folder, not an image") from None
    except PermissionError:
        raise MinirnnError(f"{path}: may not be read; check its permissions") from None
    except UnidentifiedImageError:
        raise MinirnnError(f"{path}: not an image, or of an unknown format; save it as PNG or JPEG") from None
    except MinirnnError:
        raise
    except MemoryError:
        raise MinirnnError(f"{path}: needs more memory than there is; scale it down, or close other programs") from None
    except Image.DecompressionBombError:  # beyond twice Pillow's own limit it says so before we can
        raise MinirnnError(f"{path}: too many pixels (at most {MAX_PIXELS:,}); scale it down") from None
    except Exception as error:  # Pillow raises whatever comes to pass for files that are cut off or damaged
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MinirnnError(f"{path}: damaged image ({reason}); save it again") from None


def _grey_levels(image):
    """(H, W) float64 in [0, 1] of a loaded Pillow image of any mode."""
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        levels = np.nan_to_num(np.asarray(image, dtype=np.float64))
        # "I" and "F" do not say what white is: 1, 255 or 65535, the smallest that holds the brightest pixel.
        white = next((w for w in (1.0, 255.0, 65535.0) if levels.max() <= w), levels.max())
        white = white if image.mode in ("I", "F") else 65535.0
        return np.clip(levels / white, 0, 1)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    if image.mode != "L":
        image = image.convert("RGB").convert("L")
    return np.asarray(image, dtype=np.float64) / 255.0


def save_image(path, grey):
    """Write (H, W) grey levels in [0, 1], or (H, W, 3) colours in [0, 1], as an image file, all of it or nothing."""
    levels = np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    kind = Image.registered_extensions()[pathlib.Path(path).suffix.lower()]
    with atomic(path, "wb") as file:
        Image.fromarray(levels).save(file, kind)
