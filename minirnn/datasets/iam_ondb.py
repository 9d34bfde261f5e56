"""The IAM On-Line Handwriting Database, as its users download it.

M. Liwicki and H. Bunke, "IAM-OnDB - an on-line English sentence database acquired from handwritten text on a
whiteboard", ICDAR 2005. A folder with ``lineStrokes-all.tar.gz`` and ``ascii-all.tar.gz``, which are read as
streams and never unpacked, or with the folders ``lineStrokes`` and ``ascii`` that come out of them.
"""

import gzip
import html
import itertools
import pathlib
import re
import tarfile
import zlib

import numpy as np
from tqdm import tqdm

from minirnn.datasets.labelled.items import lines_of
from minirnn.datasets.safe_xml import MAX_BYTES, parse_xml
from minirnn.datasets.samples import Report, Sample
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import check_strokes

# Strokes and text of these do not belong together, or there is no telling which belongs to which.
BAD_FORMS = {"z01-000z"}
BAD_LINES = {
    *("a08-551z-08", "a08-551z-09", "h02-037-02", "a02-062-01", "a02-062-02", "a02-062-03"),
    *("e05-265z-04", "g04-060-02", "j06-278z-04", "h04-141z-03"),
}
LINE_NAME = re.compile(r"(?P<form>[a-z]\d\d-\d+[a-z]?)-(?P<number>0*[1-9]\d{0,3})", re.IGNORECASE)
MAX_FORM = 64 * 2**20  # bytes of the stroke files of a form; the largest has 1 MB
MAX_SWELLING = 50  # times its size that an archive may unpack to, and MAX_FORM more; the real ones unpack to 8 times
LINE_BREAK = re.compile(r"%{3,}")  # stands for a line break inside a line of a transcript


def read_iam_ondb(folder, report=None, progress=False):
    """Yield the usable lines as `Sample`, one form after the other; the group of a line is its form.

    Parameters
    ----------
    folder : where the two archives are, or the two unpacked folders.
    report : `Report` that counts and names what is used and what is skipped, with the reason.
    progress : show a progress bar.

    Raises MinirnnError if an archive is missing or damaged.
    """
    report = Report() if report is None else report
    texts = {name: _transcript(data) for name, data in _files(folder, "ascii", ".txt") if data is not None}
    stroke_files = _files(folder, "lineStrokes", ".xml", progress)
    for form, files in itertools.groupby(stroke_files, key=lambda file: _form(file[0])):
        files = _kept(form, files)
        lines = texts.get(form)
        whole_form = _fault_of_form(form, files, lines)
        for name, data in files:
            try:
                if whole_form or name in BAD_LINES:
                    raise MinirnnError(whole_form or "known to have the wrong text or strokes")
                sample = Sample(lines[_number(name) - 1], _strokes(data), form)
            except MinirnnError as error:
                report.skip(name, str(error))
                continue
            report.used += 1
            yield sample


def _kept(form, files):
    """The files of a form as a list, without the bytes of those that belong to none."""
    kept, size = [], 0
    for name, data in files:
        size += len(data) if form and data else 0
        if size > MAX_FORM:
            raise MinirnnError(f"form {form} has more than {MAX_FORM >> 20} MB of strokes; that is no form of IAM-OnDB")
        kept.append((name, data if form else None))
    return kept


def _fault_of_form(form, files, lines):
    """Why none of the lines of a form can be used, or None."""
    if form is None:
        return "not named like a line of IAM-OnDB"
    if form in BAD_FORMS:
        return "in a form known to be bad"
    if not lines:
        return "without a transcript of their form"
    if max(_number(name) for name, _ in files) > len(lines):
        # Which line of the text a stroke file belongs to is anyone's guess then.
        return "in a form with more stroke files than lines of text"
    return None


def _form(name):
    match = LINE_NAME.fullmatch(name)
    return match["form"] if match else None


def _number(name):
    """The number of a line in its form; the first one is 1."""
    return int(LINE_NAME.fullmatch(name)["number"])


def _transcript(data):
    """Return the lines of text of a form: the non-empty lines after ``CSR:``."""
    try:
        text = html.unescape(data.decode("latin-1").partition("CSR:")[2])
    except ValueError:  # a character's number of more digits than Python reads
        return []
    lines = (" ".join(line.split()) for line in lines_of(LINE_BREAK.sub("\n", text)))
    return [line for line in lines if line]


def _strokes(data):
    """Return the strokes in a stroke file's bytes; None stands for a file too large to be read."""
    if data is None:
        raise MinirnnError(f"larger than {MAX_BYTES >> 20} MB")
    root = parse_xml(data, "a stroke file")
    try:
        strokes = [
            [(float(point.get("x")), float(point.get("y"))) for point in stroke.iter("Point")]
            for stroke in root.iter("Stroke")
        ]
    except (TypeError, ValueError):
        raise MinirnnError("a stroke file with a point that has no x or no y") from None
    return check_strokes([np.array(stroke) for stroke in strokes if stroke], "a stroke file")


def _files(folder, kind, suffix, progress=False):
    """Yield (stem, bytes) of every file of one kind, from its archive or else from its folder.

    The bytes are None where the file is larger than MAX_BYTES.
    """
    folder = pathlib.Path(folder)
    archive, unpacked = folder / f"{kind}-all.tar.gz", folder / kind
    if archive.is_file():
        yield from _files_in_archive(archive, suffix, progress)
    elif unpacked.is_dir():
        paths = sorted(path for path in unpacked.rglob(f"*{suffix}") if path.is_file() and path.name[0] != ".")
        for path in tqdm(paths, desc=kind, unit=" files", disable=not progress):
            try:
                yield path.stem, path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
            except OSError as error:
                raise MinirnnError(f"cannot read {path}: {error.strerror}; check its permissions") from None
    else:
        raise MinirnnError(
            f"{folder} has neither {archive.name} nor a folder {kind}; give the folder of IAM-OnDB, or what "
            "python -m minirnn.prepare made of images"
        )


def _files_in_archive(archive, suffix, progress):
    size = archive.stat().st_size
    bar = tqdm(total=size, desc=archive.name, unit="B", unit_scale=True, disable=not progress)
    try:
        with bar, open(archive, "rb") as file, tarfile.open(fileobj=_Unpacked(archive, file), mode="r|") as tar:
            for member in tar:
                path = pathlib.PurePosixPath(member.name)
                if member.isfile() and path.suffix == suffix and not path.name.startswith("."):
                    yield path.stem, tar.extractfile(member).read() if member.size <= MAX_BYTES else None
                bar.update(file.tell() - bar.n)
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise MinirnnError(f"{archive} cannot be read ({error}); is it damaged or cut short?") from None


class _Unpacked:
    """The bytes inside of a .gz file, up to a bound: what swells up more than that is no archive of handwriting."""

    def __init__(self, path, file):
        self.path, self.stream = path, gzip.GzipFile(fileobj=file)
        self.left = MAX_FORM + MAX_SWELLING * path.stat().st_size

    def read(self, size):
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise MinirnnError(f"{self.path} unpacks to more than {MAX_SWELLING} times its size; it is not IAM-OnDB")
        return data
