"""What Pillow alone does not open: PDF, whose pages are drawn, and HEIC, as telephones save their photographs.

Both need a package of the extra ``documents``: pip install "minirnn[documents]".
"""

import importlib

import numpy as np

from minirnn.errors import MinirnnError

RESOLUTION = 300  # dots per inch at which the pages of a PDF are drawn
POINTS_PER_INCH = 72  # the unit of a PDF
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def document_kind(path):
    """ "PDF" or "HEIC" by how the file ``path`` begins, or None. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        beginning = file.read(1024)
    if b"%PDF-" in beginning:
        return "PDF"
    return "HEIC" if beginning[4:8] == b"ftyp" and beginning[8:12] in HEIC_BRANDS else None


def enable_heic(path):
    """Let Pillow open HEIC (its format "HEIF"). Raises MinirnnError if pillow-heif is not installed."""
    _module("pillow_heif", "HEIC", path).register_heif_opener()


def draw_pdf(path, max_pixels):
    """Yield the pages of a PDF as (H, W) float64 grey levels, at 300 dpi or as large as ``max_pixels`` allows.

    Raises MinirnnError if it is damaged or needs a password, or if pypdfium2 is not installed."""
    pdfium = _module("pypdfium2", "PDF", path)
    try:
        with pdfium.PdfDocument(path) as document:
            if not len(document):
                raise MinirnnError(f"{path}: a PDF without a page")
            for page in document:
                width, height = page.get_size()
                scale = RESOLUTION / POINTS_PER_INCH
                scale *= min(1.0, (max_pixels / max(1.0, width * height * scale**2)) ** 0.5)
                if np.ceil(width * scale) * np.ceil(height * scale) > 1.01 * max_pixels:  # one pixel wide, say
                    raise MinirnnError(f"{path}: a page of {width:g} x {height:g} points is no page of handwriting")
                levels = page.render(scale=scale, grayscale=True).to_numpy()
                yield levels.reshape(levels.shape[:2]).astype(np.float64) / 255
                page.close()
    except pdfium.PdfiumError as error:
        raise MinirnnError(f"{path}: the PDF cannot be read ({error}); save it again, without a password") from None


def _module(name, kind, path):
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.replace("_", "-")
        raise MinirnnError(f'{path}: {kind} needs the package {package}; pip install "minirnn[documents]"') from None
