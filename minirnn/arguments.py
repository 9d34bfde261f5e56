"""Command-line arguments: the parser that all commands use, and types for its arguments."""

import argparse
import pathlib

from minirnn.errors import MinirnnError

PIXELS = (".png", ".jpg", ".jpeg")  # formats of pictures that are made of pixels
PICTURES = (*PIXELS, ".pdf", ".svg")  # formats in which a diagram can be saved
HUGE = 1e100  # products of larger numbers may overflow


class Parser(argparse.ArgumentParser):
    """argparse's parser, but errors are messages of one line, and options have to be written in full."""

    def __init__(self, **options):
        super().__init__(allow_abbrev=False, epilog="--debug shows the traceback of an error.", **options)

    def error(self, message):
        """Raises MinirnnError with ``message`` and the way to --help."""
        raise MinirnnError(f"{message}; see {self.prog} --help")


def positive_int(text):
    """A whole number of 1 or more. Raises argparse.ArgumentTypeError, as all these types do."""
    return _number(int, text, lambda value: value >= 1, "a whole number of 1 or more")


def zero_or_more(text):
    """A whole number of 0 or more."""
    return _number(int, text, lambda value: value >= 0, "a whole number of 0 or more")


def at_least_one(text):
    """A number from 1 up to, but without, `HUGE`."""
    return _number(float, text, lambda value: 1 <= value < HUGE, f"a number of one or more and below {HUGE:g}")


def fraction(text):
    """A number from 0 up to, but not including, 1."""
    return _number(float, text, lambda value: 0 <= value < 1, "from 0 up to, but without, 1")


def probability(text):
    """A number above 0 and at most 1."""
    return _number(float, text, lambda value: 0 < value <= 1, "above 0 and at most 1")


def above_zero(text):
    """A number above 0 and below `HUGE`."""
    return _number(float, text, lambda value: 0 < value < HUGE, f"a number above zero and below {HUGE:g}")


def not_negative(text):
    """A number from 0 up to, but not including, `HUGE`."""
    return _number(float, text, lambda value: 0 <= value < HUGE, f"a number of zero or more and below {HUGE:g}")


def degrees(text):
    """An angle from -60 to 60 degrees."""
    return _number(float, text, lambda value: -60 <= value <= 60, "from -60 to 60")


def port(text):
    """The number of a port; 0 is any free one."""
    return _number(int, text, lambda value: 0 <= value < 65536, "from 0 to 65535")


def picture(text):
    """The path of a picture to be drawn; the end of its name gives the format."""
    if pathlib.Path(text).suffix.lower() not in PICTURES:
        raise argparse.ArgumentTypeError(f"the name {text!r} ends in none of {', '.join(PICTURES)}")
    return pathlib.Path(text)


def pixels(text):
    """The path of a picture made of pixels; the end of its name gives the format."""
    if pathlib.Path(text).suffix.lower() not in PIXELS:
        raise argparse.ArgumentTypeError(f"the name {text!r} ends in none of {', '.join(PIXELS)}")
    return pathlib.Path(text)


def _number(kind, text, allowed, wanted):
    """``text`` as a number of this kind. If it is not a number, or not an allowed one, argparse names the option."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not allowed(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value
