"""Fuzzing: whatever is in a file from a stranger, reading it ends in a result or in one of the package's own errors,
within a bound of time and memory.

    python tests/fuzz.py                                     every reader, a thousand inputs each
    python tests/fuzz.py --inputs 10000 checkpoint inkml     some readers, ten thousand inputs each
    python tests/fuzz.py --inputs 500 --first 1500 png       only five hundred of them (beginning with a 500th)
    python tests/fuzz.py --keep faults jpeg                  leave the files that made faults in a folder

Half of the inputs are good files with bytes flipped, cut out, doubled, and replaced by what has broken readers before;
the other half are drawn by Hypothesis, which also makes files from nothing. Damage is done on every layer: to an
archive, and to what is packed into it and then packed properly again. Every input can be made again from its number.
Exit code 0 if there was no fault, else 2.
"""

import argparse
import collections
import contextlib
import functools
import gzip
import hashlib
import io
import json
import mmap
import os
import pathlib
import resource
import signal
import struct
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from dataclasses import dataclass

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # threads would take memory of their own, by cores

import hypothesis
import numpy as np
import pillow_heif
import tqdm
from hypothesis import strategies as st
from PIL import Image

from minirnn import backend
from minirnn.datasets import Report, Sample, jsonl, read_iam_ondb, read_inkml, read_samples
from minirnn.datasets.cache import DIGEST, LENGTH, load_cache, save_cache
from minirnn.datasets.corpus import Corpus
from minirnn.datasets.labelled import read_labelled
from minirnn.datasets.metadata import changed_table, read_table
from minirnn.datasets.svg_strokes import read_svg
from minirnn.errors import MinirnnError
from minirnn.forms import photographs as sheet_reading
from minirnn.images.image_files import read_image, read_pages
from minirnn.images.labelled_sets import trace_item
from minirnn.images.pipeline import read_line
from minirnn.ink.strokes import normalise
from minirnn.networks.rebuild import load
from minirnn.reading.reader import Reader as HandReader
from minirnn.writing.hands import Writer
from minirnn.writing.pen import write_lines
from minirnn.writing.sampling import generate

SECONDS = 10  # of computing that an input may take
MEMORY = 2**29  # bytes that reading may allocate, beside what the libraries take
PIXELS = 40_000  # an image with more is read, but not traced
SHARE = 500  # inputs that are made at once


class TooSlow(BaseException):
    """Raised in a reader that takes too long; no reader catches it."""


# --- good files -------------------------------------------------------------------------------------------------


@dataclass
class Seed:
    """What damage is done to, and how it is packed into a file afterwards."""

    data: bytes
    pack: callable = bytes


@dataclass
class Reader:
    """seeds() -> list of `Seed`; read(folder) reads what stands in the folder's file called ``name``, beside which
    furnish(folder) has put what else is needed."""

    name: str
    seeds: callable
    read: callable
    furnish: callable = lambda folder: None


def an_image(mode="L", size=(70, 40)):
    """A small picture with a few strokes in it."""
    y, x = np.mgrid[: size[1], : size[0]]
    grey = np.where(np.abs(y - 20 - 9 * np.sin(x / 5)) < 2, 20, 235).astype(np.uint8)
    return Image.fromarray(grey).convert(mode)


def image_bytes(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def png_of_chunks(data):
    """A PNG file whose chunks, written one after the other as (length, type, content), get true lengths and sums."""
    out, place = [b"\x89PNG\r\n\x1a\n"], 0
    while place + 8 <= len(data):
        length = struct.unpack(">I", data[place : place + 4])[0]
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 8 + length
        if kind == b"idat":  # pixels that are not packed yet
            kind, content = b"IDAT", zlib.compress(content)
        out.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(out)


def png_seeds():
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content

    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(an_image()))
    header, end = chunk(b"IHDR", struct.pack(">IIBBBBB", 70, 40, 8, 0, 0, 0, 0)), chunk(b"IEND", b"")
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2000))) + chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0")
    plain = [Seed(image_bytes(an_image(mode), format="PNG")) for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "I;16")]
    return [
        *plain,
        Seed(header + text + chunk(b"idat", rows) + end, png_of_chunks),
        Seed(header + chunk(b"IDAT", zlib.compress(rows)) + end, png_of_chunks),
    ]


def jpeg_seeds():
    turned = Image.Exif()
    turned[0x0112] = 6
    return [
        Seed(image_bytes(an_image("L"), format="JPEG")),
        Seed(image_bytes(an_image("RGB"), format="JPEG", progressive=True)),
        Seed(image_bytes(an_image("CMYK"), format="JPEG", exif=turned)),
        Seed(turned.tobytes(), lambda exif: image_bytes(an_image("L"), format="JPEG", exif=exif[:60_000])),
    ]


def read_picture(folder):
    grey = read_image(folder / "picture")
    if grey.size <= PIXELS:
        read_line(grey)


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def checkpoint_seeds(whole):
    """The file, its description, and one of its arrays, the latter two packed into the file again."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name != "meta.json.npy")
    meta = np.load(io.BytesIO(members["meta.json.npy"])).tobytes()

    def with_meta(data):
        return zipped({**members, "meta.json.npy": npy(np.frombuffer(data, np.uint8))})

    return [
        Seed(whole),
        Seed(meta, with_meta),
        Seed(meta, with_meta),
        Seed(members[name], lambda data: zipped({**members, name: data})),
    ]


@functools.cache
def text_network():
    from small_runs import text_trainer

    with tempfile.TemporaryDirectory() as folder:
        trainer = text_trainer(pathlib.Path(folder) / "run")
        trainer.save()
        return (trainer.run / "last.npz").read_bytes()


@functools.cache
def pen_network():
    from small_runs import hand_trainer

    with tempfile.TemporaryDirectory() as folder:
        trainer = hand_trainer(pathlib.Path(folder) / "run")
        trainer.meta = {"symbols": "abc ", "directions": 8, "step_length": 0.5, "counts": {"a": 50}, "hands": ["x"],
                        "neat_hands": [1]}  # fmt: skip
        trainer.extra.update({f"began.{name}": array.copy() for name, array in trainer.params.items()})
        trainer.save()
        return (trainer.run / "last.npz").read_bytes()


def read_text_network(folder):
    network, vocabulary, *_ = load(folder / "run.npz", "CharRNN")
    "".join(generate(network, vocabulary, vocabulary.symbols[:1], 3, random_seed=0))


def read_pen_network(folder):
    writer = Writer(folder / "run.npz")
    writer.unknown("ab")
    write_lines(writer.network, writer.chars, writer.pens, [writer.chars.symbols[:1]], [writer.hand],
                np.random.default_rng(0))  # fmt: skip


def reader_network():
    from minirnn.ink.vocabularies import PenVocabulary
    from minirnn.networks import checkpoint
    from minirnn.networks.reader_rnn import ReaderRNN

    pens = PenVocabulary(np.array([[1.0, 0.5], [2.0, -1.0]]), 8, 0.5)
    network = ReaderRNN(len(pens), 4, pens.n_heights, layers=1, hidden=3, embed=2)
    meta = {"kind": "ReaderRNN", "network": network.settings, "symbols": "abc ", "directions": 8, "step_length": 0.5,
            "language_weight": 0.5, "language_bonus": 1.0}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "run.npz"
        arrays = {f"params.{name}": array for name, array in backend.flatten(network.params).items()}
        checkpoint.save(path, meta, {**arrays, "extra.lifts": pens.lifts})
        return path.read_bytes()


def read_reader_network(folder):
    (reading,) = HandReader(folder / "run.npz", False).read_strokes([[np.array([[0, 0], [4, 3], [9, 1.0]])]])
    if not np.isfinite(reading.confidence).all():
        raise AssertionError("a confidence that is not finite")


def read_cache(folder):
    found = load_cache(folder / "cache", "mark")
    if not found:
        raise MinirnnError("refused")
    normalised(found[0])


def normalised(samples):
    """What is done to recordings of a pen wherever they are used."""
    for sample in samples:
        if not all(np.isfinite(stroke).all() for stroke in normalise(sample.strokes)):
            raise AssertionError("strokes that are not finite")


STROKES = [[[0, 0], [3.5, 9]], [[4, 0], [4, 9], [5e0, -1]]]
JSONL = "".join(
    json.dumps({"text": text, "strokes": STROKES, "group": "page 1"}) + "\n" for text in ("ab", "cd")
).encode()


def cache_seeds():
    """The file, its points, and what stands behind them, the latter two packed into a file with a true hash."""
    with tempfile.TemporaryDirectory() as folder:
        source, path = pathlib.Path(folder) / "pen.jsonl", pathlib.Path(folder) / "cache"
        source.write_bytes(JSONL)
        save_cache(path, "mark", read_samples(source), Report(2))
        whole = path.read_bytes()
    notes = whole.index(b'{"mark"')
    end = len(whole) - LENGTH - DIGEST

    def hashed(points, notes):
        data = points + notes + len(notes).to_bytes(LENGTH, "little")
        return data + hashlib.sha256(data).digest()

    assert hashed(whole[:notes], whole[notes:end]) == whole
    return [
        Seed(whole),
        Seed(whole[:notes], lambda data: hashed(data, whole[notes:end])),
        Seed(whole[notes:end], lambda data: hashed(whole[:notes], data)),
        Seed(whole[notes:end], lambda data: hashed(whole[:notes], data)),
    ]


INKML = b"""<?xml version="1.0" encoding="UTF-8"?><ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="integer"/><channel name="Y" orientation="-ve"/></traceFormat>
<annotation type="truth">Hi &amp; you</annotation><annotation type="writer">w1</annotation>
<trace id="t">10 0, 9 14, '1'-2, "3 "4, * #ff, -.5e1 7</trace><trace>1 2</trace></ink>"""

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1,2l3 0-.5 4e0H5v-2q1 1 2 0t2 1z"/>
<path d="m0 0C1 2 3 4 5 6s1-2 4 0"/><polyline points="0,0 1,1 2 0"/><line x1="1" y1="2" x2="3"/></svg>"""

INKML_LINES = b"""<ink xmlns="http://www.w3.org/2003/InkML"><definitions><context xml:id="c"><inkSource><traceFormat>
<channel name="Y"/><channel name="X"/></traceFormat><channelProperties><channelProperty channel="X" name="resolution"
value="2" units="1/cm"/></channelProperties></inkSource></context></definitions><traceGroup xml:id="g" contextRef="#c">
<annotation type="truth">ab</annotation><trace xml:id="t">1 2, 3 9</trace><trace type="penUp">3 9, 4 4</trace>
</traceGroup><traceView traceDataRef="#g"><annotation type="type">Textline</annotation>
<annotation type="transcription">cd</annotation><traceView traceDataRef="#t"/></traceView></ink>"""

LINE = b"""<?xml version="1.0" encoding="ISO-8859-1"?><WhiteboardCaptureSession><StrokeSet><Stroke colour="black">
<Point x="10" y="20" time="1.5"/><Point x="11" y="25.5" time="1.6"/></Stroke><Stroke/></StrokeSet>
</WhiteboardCaptureSession>"""
TRANSCRIPT = b"OCR:\n\nNot this\n\nCSR:\n\nDon&apos;t %%%%% st&#111;p\nNow\n"


def tar_of(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


def strokes_tar(line=LINE, name="a01-000u-01"):
    long = "x" * 120  # takes an extended header
    return tar_of({f"lineStrokes/a01/{name}.xml": line, f"../../{long}/b01-000-01.xml": LINE})


def zip_quickly(data):
    return gzip.compress(data, 1, mtime=0)


def iam_seeds():
    return [
        Seed(zip_quickly(strokes_tar())),
        Seed(strokes_tar(), zip_quickly),
        Seed(LINE, lambda line: zip_quickly(strokes_tar(line))),
    ]


def iam_text_seeds():
    return [
        Seed(zip_quickly(tar_of({"a01-000u.txt": TRANSCRIPT}))),
        Seed(tar_of({"a01-000u.txt": TRANSCRIPT}), zip_quickly),
        Seed(TRANSCRIPT, lambda text: zip_quickly(tar_of({"a01-000u.txt": text}))),
    ]


def furnish_iam(folder):
    (folder / "lineStrokes-all.tar.gz").write_bytes(zip_quickly(strokes_tar()))
    (folder / "ascii-all.tar.gz").write_bytes(zip_quickly(tar_of({"a01-000u.txt": TRANSCRIPT})))


def furnish_images(folder):
    places = ["a.png", "b.png", "lines/a01/a01-000u/a01-000u-00.png", "words/a01/a01-000u/a01-000u-00.png"]
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        an_image().save(folder / place)


PAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"><Page imageFilename="a.png"
imageWidth="70" imageHeight="40"><TextRegion id="r"><TextLine id="l1"><Coords points="2,2 66,3 66,38 3,38"/>
<TextEquiv index="1"><Unicode>not this</Unicode></TextEquiv><TextEquiv index="0"><Unicode>mmm</Unicode></TextEquiv>
</TextLine><TextLine id="l2"><Coords><Point x="1" y="1"/><Point x="69" y="1"/><Point x="69" y="39"/></Coords>
<TextEquiv><Unicode>m</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""


ALTO = b"""<?xml version="1.0" encoding="UTF-8"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description>
<sourceImageInformation><fileName>a.png</fileName></sourceImageInformation></Description><Layout>
<Page WIDTH="140" HEIGHT="80"><PrintSpace><TextBlock><TextLine ID="l1" BASELINE="4 60 130 60"><Shape>
<Polygon POINTS="4 4 132 6 132 76 6 76"/></Shape><String CONTENT="mm"/><SP/><String CONTENT="m"/><HYP CONTENT="-"/>
</TextLine><TextLine ID="l2" BASELINE="40" HPOS="2" VPOS="2" WIDTH="130" HEIGHT="70"><String CONTENT="m"/></TextLine>
<TextLine ID="l3" BASELINE="4,30 130,31"><String CONTENT="m"/></TextLine></TextBlock></PrintSpace>
</Page></Layout></alto>"""

HOCR = b"""<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div class='ocr_page'
title='image "a.png"; bbox 0 0 140 80'><p><span class="ocr_line" id="l1" title="bbox 4 4 132 76; baseline 0 -3">
<span class="ocrx_word">m&eacute;</span> m<br></span>
<span class='ocr_header' title='bbox 1 1 9 9'>mm</div></body></html>"""


def pdf_seeds():
    whole = image_bytes(an_image(), format="PDF", save_all=True, append_images=[an_image(size=(40, 40))])
    return [Seed(whole), Seed(image_bytes(an_image("RGB"), format="PDF"))]


def heic_seeds():
    pillow_heif.register_heif_opener()
    return [Seed(image_bytes(an_image(mode), format="HEIF")) for mode in ("L", "RGB", "RGBA")]


def tiff_seeds():
    pages = [an_image("L"), an_image("1"), an_image("RGB")]
    return [
        Seed(image_bytes(pages[0], format="TIFF", save_all=True, append_images=pages[1:], compression=compression))
        for compression in (None, "tiff_lzw", "tiff_adobe_deflate")
    ]


def read_document(folder):
    for grey in read_pages(folder / "picture"):
        if grey.size <= PIXELS // 10:
            read_line(grey)


def answer(folder):
    """An answer of the label page: what was in the table stays in it."""
    with changed_table(folder / "metadata.csv") as table:
        before = [(table.name(row), table.get(row, "text")) for row in table.rows if table.name(row) != "a.png"]
        table.set("a.png", "new")
    table = read_table(folder / "metadata.csv")
    after = [(table.name(row), table.get(row, "text")) for row in table.rows if table.name(row) != "a.png"]
    if before != after or table.texts().get("a.png") != "new":
        raise AssertionError("an answer changed other rows, or was lost")


def read_labels(format_name, folder):
    """A labelled folder, and the lines in its images."""
    items, _ = read_labelled(folder, format_name)
    for item in items[:3]:
        with contextlib.suppress(MinirnnError):
            trace_item(item)


@functools.cache
def photograph():
    """A photograph of a filled sheet with as few pixels as can be read, and what is read below that."""
    from minirnn.studies import simulated_sheets

    rng = np.random.default_rng(0)
    lines = simulated_sheets.fill(sheet_reading.PAGES[0][:2], None, rng)  # the others are left empty: quick
    picture = simulated_sheets.filled_page(1, lines, 0.5, simulated_sheets.geometry.PAPERS["a4"])
    height, width = np.array(picture.shape) // 10 * 1.6
    shrunk = Image.fromarray(np.uint8(np.clip(picture, 0, 1) * 255)).resize((int(width), int(height)), Image.BOX)
    return shrunk


def photograph_seeds():
    image = photograph()

    def of_pixels(data):
        data = data[: image.width * image.height].ljust(image.width * image.height, b"\xff")
        return image_bytes(Image.frombytes("L", image.size, data), format="PNG", compress_level=0)

    small = image.resize((image.width // 4, image.height // 4))
    return [
        Seed(image_bytes(image, format="JPEG", quality=80)),
        Seed(image_bytes(small, format="JPEG")),
        Seed(image.tobytes(), of_pixels),
    ]


def read_photograph(folder):
    """As the sheet's photographs are read, but into fewer pixels, so that there is time for many."""
    sheet_reading.RESOLUTION, sheet_reading.COARSEST, sheet_reading.BLUR = 4, 0.8, 9.0
    sheet_reading._cut.__defaults__ = (4,)
    grey = read_image(folder / "photo")
    if grey.size <= 50 * PIXELS:
        sheet_reading.read_photo(grey).samples()


READERS = {
    "checkpoint": Reader("run.npz", lambda: checkpoint_seeds(text_network()), read_text_network),
    "pen-checkpoint": Reader("run.npz", lambda: checkpoint_seeds(pen_network()), read_pen_network),
    "reader-checkpoint": Reader("run.npz", lambda: checkpoint_seeds(reader_network()), read_reader_network),
    "corpus": Reader(
        "text.txt", lambda: [Seed(4 * "Grüße, \r\n世界 \U0001f600 ja\n".encode()), Seed(b"\xef\xbb\xbfabab\r")]
        + [Seed("Dear Ana,\nhello\n".encode(name)) for name in ("utf-16", "utf-16-be", "utf-32")],
        lambda folder: Corpus(folder / "text.txt", folder, clean=True).split(0.2)[2].text(9),
    ),
    "cache": Reader("cache", cache_seeds, read_cache),
    "iam-strokes": Reader(
        "lineStrokes-all.tar.gz", iam_seeds, lambda folder: normalised(read_iam_ondb(folder)), furnish_iam
    ),
    "iam-texts": Reader(
        "ascii-all.tar.gz", iam_text_seeds, lambda folder: normalised(read_iam_ondb(folder)), furnish_iam
    ),
    "inkml": Reader(
        "pen.inkml", lambda: [Seed(INKML), Seed(INKML_LINES)],
        lambda folder: normalised(read_inkml(folder / "pen.inkml")),
    ),
    "jsonl": Reader(
        "pen.jsonl", lambda: [Seed(JSONL)], lambda folder: normalised(jsonl.read_jsonl(folder / "pen.jsonl"))
    ),
    "jsonl.gz": Reader(
        "pen.jsonl.gz", lambda: [Seed(JSONL, lambda data: gzip.compress(data, 1)), Seed(gzip.compress(JSONL))],
        lambda folder: normalised(jsonl.read_jsonl(folder / "pen.jsonl.gz")),
    ),
    "svg": Reader(
        "pen.svg", lambda: [Seed(SVG)],
        lambda folder: normalised([Sample("", read_svg(folder / "pen.svg"), "")]),
    ),
    "metadata.csv": Reader(
        "metadata.csv",
        lambda: [
            Seed(b'file_name,text,group\na.png,"m, ""m""\nm",g\nb.png,mm,\n'),
            Seed(b"text,file_name\r\nm,a.png\r\n"),
        ],
        functools.partial(read_labels, "imagefolder"), furnish_images,
    ),
    "metadata.jsonl": Reader(
        "metadata.jsonl",
        lambda: [Seed(b'{"file_name": "a.png", "text": "m\\u00e9"}\n{"file_name": "b.png", "text": "m", "group": 7}')],
        functools.partial(read_labels, "imagefolder"), furnish_images,
    ),
    "lines.txt": Reader(
        "lines.txt", lambda: [Seed(b"# comment\na01-000u-00 ok 154 19 408 746 1661 89 A|MOVE|to\n\n")],
        functools.partial(read_labels, "iam-lines"), furnish_images,
    ),
    "words.txt": Reader(
        "words.txt", lambda: [Seed(b"#\na01-000u-00 ok 154 408 768 27 51 AT A\n")],
        functools.partial(read_labels, "iam-words"), furnish_images,
    ),
    "labels.csv": Reader(
        "labels.csv",
        lambda: [Seed(b'sep=;\r\nimage;words\r\na;m\r\nb.png;"m\nm"\r\n'), Seed(b"file\tlabel\na.png\tm\n")],
        functools.partial(read_labels, "imagefolder"), furnish_images,
    ),
    "answers": Reader(
        "metadata.csv", lambda: [Seed(b'\xef\xbb\xbffile_name,text,x\r\n a.png,"m",\r\nb.png,m\r\n')], answer
    ),
    "text-files": Reader(
        "a.txt", lambda: [Seed(b"m\xc3\xa9\r\n"), Seed(b"m\nm\n")],
        functools.partial(read_labels, "text"), furnish_images,
    ),
    "alto-xml": Reader("a.xml", lambda: [Seed(ALTO)], functools.partial(read_labels, "alto"), furnish_images),
    "hocr": Reader("a.hocr", lambda: [Seed(HOCR)], functools.partial(read_labels, "hocr"), furnish_images),
    "pdf": Reader("picture", pdf_seeds, read_document),
    "heic": Reader("picture", heic_seeds, read_document),
    "tiff": Reader("picture", tiff_seeds, read_document),
    "page-xml": Reader("a.xml", lambda: [Seed(PAGE)], functools.partial(read_labels, "page"), furnish_images),
    "png": Reader("picture", png_seeds, read_picture),
    "jpeg": Reader("picture", jpeg_seeds, read_picture),
    "photograph": Reader("photo", photograph_seeds, read_photograph),
}  # fmt: skip


# --- damage -----------------------------------------------------------------------------------------------------

HOSTILE = [
    b"", b"\0", b"\xff", b"\x80", b"0", b"-1", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"9" * 5000,
    b"#" + b"f" * 400, b"null", b"[]", b"{}", b"true", b'""', b"[" * 3000, b"<a>" * 3000, b"\\u0000",
    b"\\ud800", b"&#xD800;", b"&#0;", b"&#" + b"9" * 5000 + b";", b"<!DOCTYPE a [<!ENTITY b 'bbbb'>]>", b"&b;",
    b'encoding="utf-7"', b"\n", b"\r", b",", b'"', b"'", b"../" * 9, b"/dev/zero", b"a" * 300, b"%%%", b"CSR:",
    b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"10**9", b"1000000000000", b"(1000000, 1000000, 1000000)", b"(-1,)",
    b"<f8", b"|O", b"<U9", b"1.5", b"1e308", b"-1e308", b"2147483648", b"-9223372036854775809",
    b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"IHDR", b"\xff\xd8",
]  # fmt: skip
EDITS = ("flip", "set", "insert", "replace", "delete", "double", "cut", "number")


def damage(data, edits):
    """``data`` after a list of edits (kind, place from 0 to 1, length, bytes)."""
    for kind, where, length, more in edits:
        place = int(where * len(data))
        if kind == "flip" and data:
            place = min(place, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ (1 << length % 8)]) + data[place + 1 :]
        elif kind == "set":
            data = data[:place] + more[:1] + data[place + 1 :]
        elif kind == "insert":
            data = data[:place] + more + data[place:]
        elif kind == "replace":
            data = data[:place] + more + data[place + max(length, len(more)) :]
        elif kind == "delete":
            data = data[:place] + data[place + length :]
        elif kind == "double":
            data = data[:place] + data[place : place + length] * 2 + data[place + length :]
        elif kind == "cut":
            data = data[:place] if length % 4 == 0 else data
        elif kind == "number":  # the next run of digits becomes something else
            start = next((i for i in range(place, len(data)) if data[i : i + 1].isdigit()), None)
            if start is not None:
                end = next((i for i in range(start, len(data)) if not data[i : i + 1].isdigit()), len(data))
                data = data[:start] + more + data[end:]
    return data[: 2**20]


def random_input(seeds, rng):
    """A good file with random damage, all at random by ``rng``."""
    seed = seeds[rng.integers(len(seeds))]
    edits = []
    for _ in range(rng.integers(1, 4)):
        more = HOSTILE[rng.integers(len(HOSTILE))] if rng.random() < 0.5 else rng.bytes(int(rng.integers(1, 9)))
        edits.append((EDITS[rng.integers(len(EDITS))], rng.random(), int(2 ** rng.uniform(0, 7)), more))
    return seed.pack(damage(seed.data, edits))


def any_input(seeds):
    """What Hypothesis draws: damaged good files, any bytes, any text, any JSON."""
    edit = st.tuples(
        st.sampled_from(EDITS), st.floats(0, 1), st.integers(0, 200), st.binary(max_size=8) | st.sampled_from(HOSTILE)
    )
    keys = st.sampled_from(["text", "strokes", "group", "file_name", "kind", "network", "hidden", "a.png"]) | st.text()
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("a.png"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )
    seed = st.sampled_from(seeds)
    return st.one_of(
        st.builds(lambda seed, edits: seed.pack(damage(seed.data, edits)), seed, st.lists(edit, max_size=4)),
        st.builds(lambda seed, value: seed.pack(json.dumps(value).encode()), seed, values),
        st.builds(lambda seed, data: seed.pack(data), seed, st.binary(max_size=200)),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )


# --- reading it -------------------------------------------------------------------------------------------------


def judge(reader, folder, data):
    """Read one input -> "result", "refused", or a fault: what was raised, and where."""

    def too_slow(*_):
        raise TooSlow(f"more than {SECONDS} seconds")

    (folder / reader.name).write_bytes(data)
    signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        reader.read(folder)
        return "result"
    except MinirnnError as error:
        return "refused" if "\n" not in str(error) else f"a message of several lines: {error}"
    except (Exception, TooSlow) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "minirnn" in frame.filename and "fuzz.py" not in frame.filename]
        where = f"{pathlib.Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
        return f"{type(error).__name__} in {where}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def prepared(reader, folder):
    """The seeds of a reader whose folder has been furnished. A good file must be read, or nothing is being tested."""
    reader.furnish(folder)
    seeds = reader.seeds()
    found = {judge(reader, folder, seed.pack(seed.data)) for seed in seeds}
    assert "result" in found and found <= {"result", "refused"}, found
    return seeds


def inputs(seeds, first, count, name):
    """Yield the inputs from number ``first`` on, half of them drawn by Hypothesis, which has to call, and so fills a
    list first."""
    for start in range(first, first + count, SHARE):
        rng = np.random.default_rng([start, *name.encode()])
        n = min(SHARE, first + count - start)
        yield from (random_input(seeds, rng) for _ in range(n - n // 2))
        drawn = []
        draw = any_input(seeds).map(drawn.append)

        @hypothesis.seed(start)
        @hypothesis.settings(
            max_examples=max(1, n // 2), database=None, deadline=None, phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.given(draw)
        def run(_):
            pass

        run()
        assert len(drawn) >= n // 2
        yield from drawn[: n // 2]


def fuzz_in_child(name, first, count, counts, report, keep):
    """In a forked process: judge all inputs that have not been judged yet; the faults go into the file ``report``."""
    warnings.simplefilter("ignore")
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as folder, open(report, "a", encoding="utf-8") as file:
        folder = pathlib.Path(folder)
        seeds = prepared(reader, folder)
        taken = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        judged = counts[0]
        for number, data in enumerate(inputs(seeds, first, count, name), first):
            if number < judged:
                continue
            counts[0] = number + 1
            if keep:
                (keep / f"{name}-{number}").write_bytes(data)
            verdict = judge(reader, folder, data)
            counts[1] += verdict == "result"
            counts[2] += verdict == "refused"
            if verdict not in ("result", "refused"):
                print(json.dumps([number, verdict]), file=file, flush=True)
            elif keep:
                (keep / f"{name}-{number}").unlink()


def fuzz(name, count, keep=None, first=0):
    """Judge ``count`` inputs of a reader, from number ``first`` on -> how many were read, how many refused, list of
    (number of input, fault).

    A process of its own does it; should an input end that, or never end, another one goes on behind it."""
    counts = np.frombuffer(mmap.mmap(-1, 24), np.int64)  # shared: number of the next input, read, refused
    counts[0] = first
    faults = []
    with tempfile.NamedTemporaryFile() as report, tqdm.tqdm(total=count, desc=name, mininterval=2) as bar:
        while counts[0] < first + count:
            before = counts[0]
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    fuzz_in_child(name, first, count, counts, report.name, keep)
                    code = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            status = watch(child, counts, first, bar)
            if os.WIFSIGNALED(status):
                faults.append((int(counts[0]) - 1, f"the process died of signal {os.WTERMSIG(status)}"))
            elif status and counts[0] == before:
                raise SystemExit(f"{name}: cannot even begin")
        faults += map(tuple, map(json.loads, report.read().splitlines()))
    return int(counts[1]), int(counts[2]), faults


def watch(child, counts, first, bar):
    """Wait until a child process ends -> its status; one that goes on with one input for too long is killed."""
    number, since = -1, time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        bar.update(int(counts[0]) - first - bar.n)
        if ended:
            return status
        if counts[0] != number:
            number, since = int(counts[0]), time.monotonic()
        elif time.monotonic() - since > 200 * SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)}")
    parser.add_argument("--inputs", type=int, default=1000, help="of each reader (default 1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input (default 0)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="for the files that made faults")
    options = parser.parse_args(argv)
    unknown = set(options.readers) - READERS.keys()
    if unknown:
        parser.error(f"there is no reader {', '.join(sorted(unknown))}")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    total = 0
    for name in options.readers or READERS:
        read, refused, faults = fuzz(name, options.inputs, options.keep, options.first)
        total += len(faults)
        print(f"{name:15}{options.inputs:7,} inputs: {read:,} read, {refused:,} refused, {len(faults)} faults")
        kinds = collections.defaultdict(list)
        for number, fault in faults:
            kinds[fault.split(": ")[0]].append((number, fault))
        for alike in kinds.values():
            print(f"    {len(alike)} times {alike[0][1]} (first input {alike[0][0]})")
        sys.stdout.flush()
    return 2 if total else 0


if __name__ == "__main__":
    sys.exit(main())
