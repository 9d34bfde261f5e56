"""From the photograph of a filled page to its lines: text and strokes, or why a line cannot be used.

What is written in a band is known from the number of the page alone, so this number must be certain: a photograph is
refused unless its four corner marks, its page mark and the print above its bands all agree.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from skimage import feature, filters, measure, transform

from minirnn.datasets import Sample
from minirnn.errors import MinirnnError
from minirnn.forms import geometry
from minirnn.forms.marks import find_sheet, jacobian
from minirnn.forms.printing import box_picture
from minirnn.forms.prompts import PAGES
from minirnn.images.clean import normalise_contrast, pen_width, remove_light, remove_specks, threshold_ink
from minirnn.images.trace import trace

RESOLUTION = 12  # pixels per millimetre of the straightened page: half a millimetre of ink is six pixels wide
COARSEST = 3.0  # pixels per millimetre of the photograph; with fewer, letters run together
BLUR = 0.22  # mm, standard deviation; with more, the letters of a small hand run together
CONTRAST = 0.4  # the least difference between paper and printed black

COMPARED_AT = 4  # pixels per millimetre at which the print is compared
REACH = 1.6  # mm by which the print may be displaced: paper is never flat, and every lens distorts
LIKENESS = 0.45  # least correlation with the printed text: the right one has 0.67 or more, others 0.23 or less

FAINT = 0.25  # ink is at least this dark, where printed black is 1
NOISE = 5.0  # ink is darker than the paper by at least this many standard deviations of the paper's noise
DOT = 0.2  # mm, standard deviation of a Gaussian as wide as a dot of the pen in a photograph
MARGIN = 3 * RESOLUTION  # pixels of paper beside the writing
SMALLEST_WRITING = 3.0  # mm; anything shorter is not a line of writing
FINEST = 1.25  # standard deviation of y in widths of the pen; below it, loops fill and what is traced is not a letter
HALF_WRITTEN = 0.55  # the least length of a line, as a share of the usual length for its number of characters


RUN_TOGETHER = (
    "its letters run together, since they are so small for the width of the pen; write larger or with a finer pen, "
    "or photograph it more sharply"
)


@dataclass
class ReadBand:
    """One band: its text, its corners (left, top, right, bottom) and strokes in mm of the box, and what is wrong."""

    text: str
    corners: tuple
    strokes: list = field(default_factory=list)
    fault: str = ""


@dataclass
class ReadPage:
    """A page: its number, the first is 1; its straightened picture (H, W), `RESOLUTION` pixels per mm; its bands."""

    number: int
    picture: np.ndarray
    bands: list

    def samples(self):
        """The good lines as `Sample`, in mm from the left end of their baseline, to be kept together as one page."""
        samples = []
        for index, band in enumerate(self.bands):
            if not band.fault:
                origin = (geometry.BAND_LEFT, geometry.band(index).baseline)
                strokes = [np.round(stroke - origin, 3) for stroke in band.strokes]
                samples.append(Sample(band.text, strokes, f"sheet page {self.number}"))
        return samples


def read_photo(grey):
    """Read the photograph ``grey``, (H, W) in [0, 1], of a filled page: `ReadPage`.

    Raises MinirnnError, which says what to do, if the page as a whole is not reliable.
    """
    place = find_sheet(grey)
    scales = np.array([np.linalg.svd(jacobian(place, centre), compute_uv=False) for centre in geometry.CENTRES])
    if scales.min() < COARSEST:
        raise MinirnnError(
            f"too small: {scales.min():.2f} pixels per millimetre where the page is farthest, at least {COARSEST:g} "
            "are needed; photograph it from nearer and from above, or with more megapixels"
        )
    picture = _level(straighten(grey, place))
    _check_sharpness(picture)
    number = _page_number(picture)
    likeness, moves = compare_print(picture, number)
    if np.mean(likeness) < LIKENESS:
        raise MinirnnError(
            f"the print of page {number} is not where it should be; lay the page flat and photograph it from above"
        )
    texts = PAGES[number - 1]
    moves[likeness < LIKENESS] = 0
    bands = []
    for index, text in enumerate(texts):
        below = moves[min(index + 1, len(texts) - 1)]
        band = ReadBand(text, band_corners(index, moves[index], below))
        if likeness[index] < LIKENESS:
            band.fault = "its print cannot be made out; leave the print free, lay the page flat"
        else:
            _read_band(band, picture)
        bands.append(band)
    _refuse_half_written(bands)
    return ReadPage(number, picture, bands)


# --- the page -------------------------------------------------------------------------------------------------------


def straighten(grey, place):
    """The box of the sheet as seen from straight above, ``RESOLUTION`` pixels per millimetre."""
    # Pixel (0, 0) of the result has its centre half a pixel inside the box.
    millimetres = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, RESOLUTION]]) / RESOLUTION
    shape = (round(geometry.BOX_HEIGHT * RESOLUTION), round(geometry.BOX_WIDTH * RESOLUTION))
    return transform.warp(grey, place.params @ millimetres, output_shape=shape, order=3, mode="edge")


def _level(picture):
    """Grey levels with paper at 1 and printed black at 0, whatever the light."""
    even = remove_light(picture, shrink=RESOLUTION / 2, window=25)  # 12.5 mm: wider than a mark
    inner = [_cut(even, *(centre - 1), *(centre + 1)) for centre in geometry.CENTRES]
    black = float(np.median([np.median(part) for part in inner]))
    if 1 - black < CONTRAST:
        raise MinirnnError("too pale: printed black is hardly darker than the paper; photograph it in better light")
    return (even - black) / (1 - black)


def _cut(picture, left, top, right, bottom, resolution=RESOLUTION):
    """The part of ``picture`` between two corners in mm."""
    rows, columns = np.round(np.array([[top, bottom], [left, right]]) * resolution).astype(int)
    return picture[max(0, rows[0]) : rows[1], max(0, columns[0]) : columns[1]]


def _check_sharpness(picture):
    """Refuse a blurred picture: the edges of the square marks are known to be sharp."""
    across = [edge_blur(profile) / RESOLUTION for profile in _edge_profiles(picture)]
    blur = max(np.median(across[0::2]), np.median(across[1::2]))  # a moved camera blurs one direction only
    if blur > BLUR:
        raise MinirnnError(f"too blurred: edges are {2 * blur:.1f} mm wide; hold the camera still, focus on the paper")


def _edge_profiles(picture):
    """Grey levels from the middle of each square to the inside of the box: (n,) across its upright, its level edge."""
    inside, half = 3.0, geometry.SQUARE / 2
    for x, y in geometry.CENTRES[1:]:
        to_left, to_top = x > geometry.BOX_WIDTH / 2, y > geometry.BOX_HEIGHT / 2
        left, right = (x - half - inside, x) if to_left else (x, x + half + inside)
        top, bottom = (y - half - inside, y) if to_top else (y, y + half + inside)
        yield _cut(picture, left, y - 2, right, y + 2).mean(axis=0)
        yield _cut(picture, x - 2, top, x + 2, bottom).mean(axis=1)


def edge_blur(profile):
    """Standard deviation, in pixels, of the Gaussian that turned a sharp edge into ``profile`` (n,).

    A blurred step of height h is steepest in its middle: h / (sigma sqrt(2 pi)).
    """
    steepest = np.abs(np.diff(profile)).max()
    return float(np.ptp(profile) / (np.sqrt(2 * np.pi) * max(steepest, 1e-9)))


def _page_number(picture):
    """The number of the page by its mark."""
    inner = geometry.CELL / 4
    dark = []
    for (x, y), _ in geometry.code_cells(0):
        cell = _cut(picture, x + inner, y + inner, x + geometry.CELL - inner, y + geometry.CELL - inner)
        dark.append(bool(cell.mean() < 0.5))
    number = geometry.decode(dark)
    if number is None:
        raise MinirnnError("the row of squares at the top, the page mark, cannot be read; photograph it uncovered")
    if not 1 <= number <= len(PAGES):
        raise MinirnnError(f"page {number} is of a sheet that this version does not know; install a newer minirnn")
    return number


def compare_print(picture, number):
    """How similar the print above each band is to the prompts of page ``number``, and where it is.

    Returns likeness (bands,), the normalised cross-correlation, and moves (bands, 2), by how many mm in x and y each
    prompt is displaced.
    """
    shape = (geometry.BOX_HEIGHT * COMPARED_AT, geometry.BOX_WIDTH * COMPARED_AT)
    paper = filters.gaussian(box_picture(number, COMPARED_AT), 0.8)  # no photograph is as sharp
    seen, printed = _letters(transform.resize(picture, tuple(map(int, shape)), anti_aliasing=True)), _letters(paper)
    likeness, moves = [], []
    for index in range(len(PAGES[number - 1])):
        top = geometry.band(index).prompt - 0.4
        strip = _cut(paper, geometry.BAND_LEFT, top, geometry.BAND_RIGHT, top + geometry.PROMPT_HEIGHT, COMPARED_AT)
        right = geometry.BAND_LEFT + (np.nonzero((strip < 0.8).any(axis=0))[0][-1] + 2) / COMPARED_AT
        corners = np.array([geometry.BAND_LEFT, top, right, top + geometry.PROMPT_HEIGHT])
        around = corners + np.array([-REACH, -REACH, REACH, REACH])
        wanted, there = _cut(printed, *corners, COMPARED_AT), _cut(seen, *around, COMPARED_AT)
        match = feature.match_template(there, wanted)
        row, column = np.unravel_index(match.argmax(), match.shape)
        likeness.append(match[row, column])
        moves.append(np.array([column, row]) / COMPARED_AT - REACH)
    return np.array(likeness), np.array(moves)


def _letters(picture):
    """The picture minus its surroundings along the line, since any two lines of print look alike from top to bottom."""
    return picture - ndimage.gaussian_filter1d(picture, 1.5 * COMPARED_AT, axis=1)


# --- the bands ------------------------------------------------------------------------------------------------------


def band_corners(index, move=(0, 0), move_below=(0, 0)):
    """(left, top, right, bottom) of a band in mm, moved with the prompts above and below it."""
    band, slack = geometry.band(index), (geometry.BAND_LEFT - geometry.HAIRLINE[1]) / 2
    return (geometry.BAND_LEFT - slack, band.top + move[1], geometry.BAND_RIGHT + slack, band.bottom + move_below[1])


def _read_band(band, picture):
    """Trace what is written in a band, or note what is wrong with it."""
    grey = np.clip(_cut(picture, *band.corners), 0, 1)
    smooth = filters.gaussian(grey, 0.1 * RESOLUTION)
    darkest = 1 - np.quantile(smooth, 0.002)
    if darkest < FAINT:
        band.fault = "nothing is written there"
        return
    dark = smooth < 1 - darkest / 2
    edges = {"above": dark[0], "below": dark[-1], "left": dark[:, 0], "right": dark[:, -1]}
    over = [side for side, edge in edges.items() if edge.any()]
    if over:
        neighbour = "into the neighbouring line's room" if {"above", "below"} & set(over) else "off the end of the line"
        band.fault = f"its writing runs {neighbour} ({', '.join(over)}); write it smaller, between the printed lines"
        return
    # A piece of ink has a dark place, or it is noise. (A dot fades more in a blur than a stroke.)
    places = (smooth < 1 - darkest / 3) & above_noise(grey)
    written = np.nonzero(places.any(axis=0))[0]
    if len(written) == 0:
        band.fault = "nothing is written there"
        return
    # Beside the writing there is only paper, which would take time.
    left = max(0, written[0] - MARGIN)
    part = np.s_[:, left : written[-1] + MARGIN]
    pieces = measure.label(threshold_ink(normalise_contrast(grey[part])))
    ink = np.isin(pieces, np.setdiff1d(pieces[places[part]], 0))
    pen = pen_width(ink)
    strokes = trace(remove_specks(ink, pen), pen)
    # The cut begins at a whole pixel.
    corner = np.round(np.array(band.corners[:2]) * RESOLUTION) + np.array([left, 0])
    strokes = [(stroke + corner + 0.5) / RESOLUTION for stroke in strokes]
    if not strokes or _length(strokes) < SMALLEST_WRITING:
        band.fault = "nothing is written there"
        return
    band.strokes = strokes
    if np.concatenate(strokes)[:, 1].std() < FINEST * pen / RESOLUTION:
        band.fault = RUN_TOGETHER


def above_noise(grey):
    """Where ``grey``, (H, W), most of which is paper, is darker than the paper's noise: (H, W) bool.

    The picture is filtered with a Gaussian as wide as a dot, after which a dot differs most from noise (a matched
    filter).
    """
    seen = filters.gaussian(grey, DOT * RESOLUTION)
    paper = np.median(seen)
    deviation = 1.4826 * np.median(np.abs(seen - paper))  # of a normal distribution, whatever the ink does
    return seen < paper - NOISE * deviation


def _length(strokes):
    """How far writing reaches from left to right, in its own unit."""
    return np.ptp(np.concatenate(strokes)[:, 0])


def _refuse_half_written(bands):
    """Refuse lines that are far too short for their text, compared with the others of the page."""
    good = [band for band in bands if not band.fault]
    if len(good) < 4:  # too few to know the hand
        return
    width = np.median([_length(band.strokes) / len(band.text) for band in good])
    for band in good:
        if _length(band.strokes) < HALF_WRITTEN * width * len(band.text):
            band.fault = "only a part of its text is written; write the whole sentence"
