"""PDF files as a reader shows them: by PDFium, which the Python package pypdfium2 brings along."""

import numpy as np
import pypdfium2


def pictures(data, dpi):
    """The pages of a PDF file, given as bytes -> list of (H, W, 3) uint8 arrays."""
    with pypdfium2.PdfDocument(data) as document:
        return [np.asarray(page.render(scale=dpi / 72).to_pil().convert("RGB")) for page in document]


def words(data):
    """The words on the first page -> list of (text, left, top, right, bottom) in millimetres from its upper left."""
    with pypdfium2.PdfDocument(data) as document:
        page = document[0].get_textpage()
        text, height = page.get_text_range(), document[0].get_height()
        found, start = [], 0
        for word in text.split():
            start = text.index(word, start)
            boxes = np.array([page.get_charbox(n, loose=True) for n in range(start, start + len(word))])
            start += len(word)
            (left, bottom), (right, top) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
            found.append((word, *(np.array([left, height - top, right, height - bottom]) * 25.4 / 72)))
        return found
