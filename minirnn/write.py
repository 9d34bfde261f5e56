"""Write any text by hand.

    python -m minirnn.write "Dear Ana, thank you for the book." -o letter.png
    python -m minirnn.write --file letter.txt --page a5 --paper ruled --pen fountain -o letter.pdf
    python -m minirnn.write --file letter.txt --plotter grbl-servo --origin 20,15 --area 0,0,300,210 -o letter.gcode
    python -m minirnn.write --hand list -o hands.png
"""

import argparse
import dataclasses
import re
import sys

import numpy as np
from tqdm import tqdm

from minirnn.arguments import Parser, above_zero, fraction, not_negative, positive_int, probability, zero_or_more
from minirnn.datasets.text import read_text
from minirnn.drawing import (
    FORMATS,
    PLOTTERS,
    Look,
    Plotter,
    check_output,
    format_of,
    letter_files,
    page_files,
    save_files,
)
from minirnn.drawing.ink import PENS
from minirnn.drawing.markup import words_of
from minirnn.drawing.paper import PAGE_SIZES, PAPERS, UNITS, Sheet
from minirnn.drawing.plotters import CORNERS, parts_of, report
from minirnn.drawing.wrapping import unwrapped
from minirnn.errors import MinirnnError, run_command
from minirnn.writing.describing import describe
from minirnn.writing.hands import LIKENESS, SETS, Writer
from minirnn.writing.letters import pages_of, read_letter, write_letter
from minirnn.writing.merging import merged
from minirnn.writing.pen import TEMPERATURE
from minirnn.writing.proofreading import default_proofreader

SPECIMEN = "The quick brown fox jumps over the lazy dog."
MARGIN = 4  # letter sizes around a text that brings no page of its own


def draw_specimens(out, rng, temperature, source=None):
    """Draw one line in each hand of ``source``, weights that ship with the package, as a picture, and print what
    tells them apart and what they may be used for."""
    from minirnn.drawing.diagrams import strokes_picture  # matplotlib takes a second to load

    writer = Writer(source, proofreader=default_proofreader())
    hands = range(len(writer.hands))
    lines = writer.in_hands([SPECIMEN] * len(hands), hands, rng, temperature)
    described = sorted(zip(describe(lines), range(1, len(lines) + 1), lines), key=lambda hand: hand[:2])
    strokes_picture(out, [(f"--hand {number}   {words}", line.ink) for (_, words), number, line in described])
    for (_, words), number, _ in described:
        print(f"--hand {number:<3} {words}")
    if writer.terms:
        print(f"these hands may be used for {writer.terms}")


def numbers(*counts):
    """An argparse type: so many lengths in mm, separated by commas; each may have a unit, as 1in or 2.5cm."""

    def parse(text):
        found = [re.fullmatch(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(mm|cm|in|)\s*", part) for part in text.split(",")]
        try:
            values = tuple(float(match[1]) * UNITS[match[2] or "mm"] for match in found)
        except (ValueError, TypeError):
            values = ()
        if len(values) not in counts or not np.isfinite(values).all():
            wanted = " or ".join(map(str, counts))
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted} numbers, separated by commas")
        return values

    return parse


def length(kind):
    """An argparse type: a length in mm, or with a unit, whose number in mm is allowed by ``kind``."""

    def parse(text):
        try:
            (value,) = numbers(1)(text)
        except argparse.ArgumentTypeError:
            return kind(text)
        return kind(f"{value:.12g}")

    return parse


def build_parser():
    """The `minirnn.arguments.Parser` of this command."""
    parser = Parser(
        prog="python -m minirnn.write",
        description="Write a text by hand: as a picture, a vector drawing, a PDF, or for a pen plotter.",
    )
    # fmt: off
    parser.add_argument("text", nargs="?", help="what to write")
    parser.add_argument("--file", metavar="FILE",
                        help="write the text of this file, of standard input if it is -; a line of it is a paragraph")
    parser.add_argument("--merge", metavar="FILE.csv",
                        help="write the text once for every row of a table, with {column} in the text; a .pdf "
                        "holds all, other files are numbered")
    parser.add_argument("-o", "--out", required=True, metavar="OUT",
                        help="OUT.png, .svg, .pdf, .gcode or .hpgl; - for standard output, with --format")
    parser.add_argument("--format", choices=FORMATS, help="of -o -; of a file, its name tells")
    hand = parser.add_argument_group("the hand")
    hand.add_argument("--hand", default="1", metavar="N|N:SHARE,...|RUN|random|list",
                      help="number of a hand, a mixture of some, as 3:0.5,7:0.5, a run that learned one, random, or "
                      "list for a specimen and a description of each (default 1)")
    hand.add_argument("--weights", choices=SETS, help="that ship with the package: research (the default), of which "
                      "the hands are for non-commercial research, or open, which anyone may use for anything")
    hand.add_argument("--likeness", type=probability, metavar="SHARE",
                      help=f"how much of a hand that was learned: 1 is all, less is more legible (default {LIKENESS})")
    hand.add_argument("--neatness", type=above_zero, default=1.0,
                      help="above 1 more regular, below 1 wilder (default 1)")
    hand.add_argument("--untidiness", type=not_negative, default=0.5,
                      help="drift of edge, height, slope, size and slant of the lines; 0: none (default 0.5)")
    hand.add_argument("--slips", type=not_negative, default=0.0, metavar="PER_CENT",
                      help="of the longer words, begun wrongly, struck through and written again (default 0)")
    hand.add_argument("--random-seed", type=zero_or_more, default=0,
                      help="another number, another sheet in the same hand")
    hand.add_argument("--strict", action="store_true",
                      help="end with exit code 2 if a word may be wrong; the file is written nevertheless")
    hand.add_argument("--skip-unknown", action="store_true", help="leave out characters that the hand cannot write")
    hand.add_argument("--transliterate", action="store_true", help="write é as e, and so on")
    page = parser.add_argument_group("the page")
    page.add_argument("--page", metavar="SIZE",
                      help=f"{', '.join(PAGE_SIZES)}, 120x80 (mm), 4x6in; default a4 with --file, else as large as the "
                      "text needs")
    page.add_argument("--landscape", action="store_true", help="the page's longer side is its width")
    page.add_argument("--margin", type=numbers(1, 4), metavar="MM", dest="margins",
                      help="on all sides, or top,right,bottom,left (default a tenth of the shorter side; on envelopes "
                      "what the address needs); this and other lengths may have a unit, as 1in")
    page.add_argument("--mirrored", action="store_true",
                      help="even pages have their left and right margins exchanged, as in a booklet")
    page.add_argument("--paper", choices=PAPERS, default="plain", help="(default plain)")
    page.add_argument("--letter-size", type=length(above_zero), default=2.4, metavar="MM",
                      help="height of a small letter (default 2.4)")
    page.add_argument("--line-spacing", type=length(above_zero), metavar="MM", help="default 3.8 letter sizes")
    page.add_argument("--indent", type=length(not_negative), default=0.0, metavar="MM",
                      help="of a paragraph's first line")
    page.add_argument("--unwrap", action="store_true",
                      help="of a text that was cut into lines of one width, take the paragraphs for its lines")
    page.add_argument("--raggedness", type=fraction, default=0.05,
                      help="how early a line may turn, as a share of its width; 0: never (default 0.05)")
    ink = parser.add_argument_group("the ink")
    ink.add_argument("--pen", choices=sorted(PENS), default="ballpoint", help="(default ballpoint)")
    ink.add_argument("--pen-width", type=length(above_zero), metavar="MM", help="of its stroke (default the pen's own)")
    ink.add_argument("--colour", help="of the ink, a name, #rrggbb, or #rrggbbaa for ink through which the paper shows")
    ink.add_argument("--dpi", type=positive_int, default=200, help="resolution of .png (default 200)")
    ink.add_argument("--transparent", action="store_true", help=".png or .svg without the white of the paper")
    ink.add_argument("--single-line", action="store_true", help=".svg with one path per stroke, for plotters")
    ink.add_argument("--animate", action="store_true", help=".svg that writes itself")
    ink.add_argument("--duration", type=above_zero, metavar="SECONDS", help="of the animation of a page")
    _add_plotter_options(parser)
    # fmt: on
    return parser


def _add_plotter_options(parser):
    # fmt: off
    plotter = parser.add_argument_group(
        "the plotter", "for .gcode, .hpgl, and .svg with --plotter axidraw; in mm, seconds and mm per minute")
    plotter.add_argument("--plotter", choices=PLOTTERS, help="what it understands (default grbl-servo, of .hpgl hpgl); "
                         "each of the next options replaces what is usual there")
    plotter.add_argument("--origin", type=numbers(2), metavar="X,Y",
                         help="where the paper's zero corner lies in the machine's coordinates (default 0,0)")
    plotter.add_argument("--zero", choices=CORNERS, help="the paper's corner from which the machine counts, into the "
                         "paper (default lower-left)")
    plotter.add_argument("--swap-axes", action="store_true", default=None,
                         help="the machine's x runs along the paper's height")
    plotter.add_argument("--turn", type=int, choices=(0, 90, 180, 270),
                         help="how the page lies on the bed, counter-clockwise (default 0)")
    plotter.add_argument("--area", type=numbers(4), metavar="X,Y,X,Y",
                         help="lower left and upper right corner of what the pen can reach; nothing is written if it "
                         "would have to leave it (default the paper)")
    plotter.add_argument("--split", action="store_true", default=None,
                         help="cut a page that is larger than the area into parts, a file each")
    plotter.add_argument("--written-order", action="store_true", default=None,
                         help="draw as a hand writes, and not in the order with the least travel")
    plotter.add_argument("--feed", type=above_zero, metavar="SPEED", help=f"pen down (default {Plotter.feed:g})")
    plotter.add_argument("--travel", type=above_zero, metavar="SPEED", help=f"pen up (default {Plotter.travel:g})")
    plotter.add_argument("--pen-down", metavar="CODE",
                         help=f"several commands with ; between (default {Plotter.pen_down!r})")
    plotter.add_argument("--pen-up", metavar="CODE", help=f"(default {Plotter.pen_up!r})")
    plotter.add_argument("--delay", type=not_negative, metavar="SECONDS",
                         help=f"after each of them (default {Plotter.delay:g})")
    plotter.add_argument("--header", metavar="CODE",
                         help=f"at the beginning, before the pen is lifted (default {Plotter.header!r})")
    plotter.add_argument("--footer", metavar="CODE",
                         help="at the end, when the pen is up and at the origin, as M2 (default none)")
    # fmt: on


def plotter_of(options, kind):
    """The `Plotter` that the options describe for a format, None if they describe none; MinirnnError if they do not go
    together."""
    given = {field.name: getattr(options, field.name, None) for field in dataclasses.fields(Plotter)}
    given = {name: value for name, value in given.items() if value is not None}
    if options.plotter is None and kind not in ("gcode", "hpgl"):
        if given:
            first = next(iter(given)).replace("_", "-")
            raise MinirnnError(f"--{first} is for .gcode and .hpgl, not for {options.out}; leave it out")
        return None
    name = options.plotter or ("hpgl" if kind == "hpgl" else "grbl-servo")
    plotter = dataclasses.replace(PLOTTERS[name], **given)
    if plotter.split and plotter.language == "svg":
        raise MinirnnError("--split is for .gcode and .hpgl; a drawing in .svg has one file per page")
    return plotter


def look_of(options):
    """(the format, the `Look`) that the options ask for; MinirnnError if they do not go together."""
    if options.out == "-" and options.format is None:
        raise MinirnnError("-o - needs --format, since there is no name that tells it")
    kind = options.format if options.out == "-" else format_of(options.out)
    if options.format not in (None, kind):
        raise MinirnnError(f"--format {options.format} does not go with the name {options.out}; leave it out")
    same = ("pen", "colour", "pen_width", "dpi", "transparent", "single_line", "animate", "duration")
    look = Look(plotter=plotter_of(options, kind), seed=options.random_seed,
                **{name: getattr(options, name) for name in same})  # fmt: skip
    check_output(kind, look)  # now, and not after the work of writing
    return kind, look


def text_of(options):
    """The text to write, from the command line, a file or standard input."""
    if (options.text is None) == (options.file is None):
        raise MinirnnError("give either a text or --file FILE")
    if options.file is None:
        text = options.text
    elif options.file == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise MinirnnError(f"standard input is not UTF-8 at byte {error.start}; convert it") from None
    else:
        text = read_text(options.file)
    text = text.rstrip("\n")
    return unwrapped(text) if options.unwrap else text


def has_size(options):
    """Whether pages have a size of their own; that of a text on the command line is as large as it needs to be."""
    return options.page is not None or options.file is not None


def sheet_of(options):
    """The `Sheet` that the options describe."""
    margins = options.margins or (None if has_size(options) else (MARGIN * options.letter_size,))
    return Sheet(
        size=(options.page or "a4") + (" landscape" if options.landscape else ""),
        margins=margins * 4 if margins and len(margins) == 1 else margins,
        letter_size=options.letter_size,
        line_spacing=options.line_spacing,
        indent=options.indent,
        paper=options.paper,
        mirrored=options.mirrored,
    )


def hand_of(name, seed, weights=None):
    """What ``--hand`` and ``--weights`` name -> (weights or a run, None or a number or {number: share}), as `Writer`
    takes them."""
    source = SETS[weights] if weights else None
    if name == "random":
        return source, 1 + int(np.random.default_rng(seed).integers(len(Writer(source).hands)))
    if re.fullmatch(r"\d+", name):
        return source, int(name)
    if re.fullmatch(r"\d+:\d*\.?\d+(,\d+:\d*\.?\d+)*", name):
        return source, {int(number): float(share) for number, share in (part.split(":") for part in name.split(","))}
    if weights:
        raise MinirnnError(f"--weights is for hands that ship with the package, not for --hand {name}; leave it out")
    return name, None


def writer_of(options):
    """The `Writer` that the options ask for."""
    source, hand = hand_of(options.hand, options.random_seed, options.weights)
    likeness = LIKENESS if options.likeness is None else options.likeness
    writer = Writer(source, hand, likeness=likeness, proofreader=default_proofreader())
    if options.hand == "random":
        print(f"minirnn: this is hand {hand}", file=sys.stderr)
    if options.likeness is not None and not writer.learned_one:
        raise MinirnnError(f"--likeness is for a hand that was learned, not for --hand {options.hand}; leave it out")
    return writer


def deliver(letters, kind, look, options):
    """Save the letters and print the names of their files, or write the only file to standard output."""
    files = letter_files(letters, kind, look) if options.merge else page_files(letters[0], kind, look)
    if options.out == "-":
        if len(files) > 1:
            raise MinirnnError(f"the text has {len(files)} pages, one file each; use --format pdf, or name a file")
        sys.stdout.buffer.write(files[0][1])
        sys.stdout.buffer.flush()
    else:
        for path in save_files(files, options.out):
            print(path)
    if look.plotter is not None:
        for number, page in enumerate((page for pages in letters for page in pages), 1):
            for part in parts_of(page, look.plotter):
                where = f" ({part.name})" if part.name else ""
                print(f"minirnn: page {number}{where}: {report(part.strokes, look.plotter)}", file=sys.stderr)


def read_all(options, writer, text):
    """The text as the hand can write it, for every row of --merge -> list of (seed, its sections)."""

    def read(text):
        return read_letter(writer, text, options.transliterate, options.skip_unknown)

    if not options.merge:
        return [(options.random_seed, read(text))]
    return [([options.random_seed, number], sections) for number, sections in merged(text, options.merge, read)]


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    options = build_parser().parse_args(argv)
    temperature = TEMPERATURE / options.neatness
    kind, look = look_of(options)
    if options.hand == "list":
        draw_specimens(
            options.out, np.random.default_rng(options.random_seed), temperature, SETS.get(options.weights)
        )
        print(options.out)
        return
    text, sheet, writer = text_of(options), sheet_of(options), writer_of(options)
    texts, letters, doubts = read_all(options, writer, text), [], []
    length = sum(len(words_of(sections)) for _, sections in texts)
    with tqdm(total=length, unit="character", disable=None if length > 200 else True) as bar:
        for number, (seed, sections) in enumerate(texts):
            written = write_letter(
                writer, sections, sheet, np.random.default_rng(seed), temperature=temperature,
                raggedness=options.raggedness, slips=options.slips / 100, progress=bar.update, doubts=doubts,
            )  # fmt: skip
            letters.append(pages_of(written, options.untidiness, options.random_seed + number, has_size(options)))
    deliver(letters, kind, look, options)
    if options.strict and doubts:
        raise MinirnnError(f"{len(doubts)} words or lines may be wrong, as said above; --strict allows none")


if __name__ == "__main__":
    sys.exit(run_command(main))
