"""Photographs of filled sheets -> samples of one's own hand, and a report of what was left out."""

import pathlib

from minirnn.datasets import write_jsonl
from minirnn.errors import MinirnnError
from minirnn.files import make_folder
from minirnn.forms.photographs import RUN_TOGETHER
from minirnn.forms.prompts import PAGES
from minirnn.images.image_files import read_image
from minirnn.reading.checks import contradictions, unlike

ACCEPTED = 0.2  # the character error up to which a line counts as its prompt, however small the writing is


def read_sheet(photos, folder, reader=None, progress=lambda done: None):
    """Read photographs of filled pages and write samples.jsonl and the pictures of what was found to ``folder``.

    With a ``reader`` (`minirnn.reading.reader.Reader`) every band is read: see `check_bands`. ``progress`` is called
    before each photograph with the number of those that are done.

    Returns (pages, refused): {path: `minirnn.forms.photographs.ReadPage`} and {path: why it was refused}.
    Raises MinirnnError if nothing at all could be read; then nothing is written.
    """
    from minirnn.forms.found import draw_found
    from minirnn.forms.photographs import read_photo

    pages, refused, seen = {}, {}, {}
    for done, path in enumerate(map(pathlib.Path, photos)):
        progress(done)
        try:
            page = read_photo(read_image(path))
        except MinirnnError as error:
            refused[path] = str(error).removeprefix(f"{path}: ")
            continue
        if page.number in seen:
            refused[path] = (
                f"this is page {page.number} again, which {seen[page.number]} shows; give one photograph of each page"
            )
            continue
        seen[page.number] = path
        pages[path] = page
        if reader is not None:
            check_bands(page.bands, reader)
    samples = [sample for page in pages.values() for sample in page.samples()]
    if not samples:
        reasons = [f"{path}: {reason}" for path, reason in refused.items()]
        raise MinirnnError("; ".join(["no line could be read", *reasons]))
    folder = pathlib.Path(folder)
    make_folder(folder)
    for page in pages.values():
        draw_found(folder / f"found-page-{page.number}.png", page)
    write_jsonl(folder / "samples.jsonl", samples)
    return pages, refused


def check_bands(bands, reader):
    """Refuse the bands that say something other than their prompt, and accept those that were refused only because
    their letters run together, if they are read correctly."""
    bands = [band for band in bands if band.strokes and band.fault in ("", RUN_TOGETHER)]
    texts, lines = [band.text for band in bands], [band.strokes for band in bands]
    for n, read, _ in contradictions(reader, texts, lines):
        bands[n].fault = bands[n].fault or f"it reads {read!r} and not as printed; write what stands above the line"
    doubtful = [band for band in bands if band.fault == RUN_TOGETHER]
    for band, read in zip(doubtful, reader.texts([band.strokes for band in doubtful])):
        if unlike(band.text, read) <= ACCEPTED:
            band.fault = ""


def report(pages, refused, folder):
    """The result of `read_sheet` as text: each photograph, and below it each line that is left out."""
    lines = []
    for path, page in pages.items():
        bad = [(number, band) for number, band in enumerate(page.bands, 1) if band.fault]
        lines.append(f"{path}: page {page.number}, {len(page.bands) - len(bad)} of {len(page.bands)} lines")
        lines += [f"    line {number} ({band.text}) left out: {band.fault}" for number, band in bad]
    lines += [f"{path}: REFUSED: {reason}" for path, reason in refused.items()]
    missing = set(range(1, len(PAGES) + 1)) - {page.number for page in pages.values()}
    lines += [f"page {number} is in none of the photographs" for number in sorted(missing)]
    good = sum(not band.fault for page in pages.values() for band in page.bands)
    lines.append(f"{good} lines in {folder / 'samples.jsonl'}; look at {folder / 'found-page-*.png'} to see them")
    return "\n".join(lines)
