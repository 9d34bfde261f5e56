"""Simulated pen plotters for the tests: each reads the files of its dialect as strictly as the machine would.

``draw(text, dialect)`` gives what was drawn, where the pen has been, and how long it took. What a machine would not
understand, or what would spoil the drawing, is an AssertionError: unknown words, a movement without a speed, the pen
lowered before its place is known, a line that is drawn while the servo is still on its way.
"""

import dataclasses
import re

import numpy as np

RAPID = 3000.0  # mm per minute of GRBL's G0, whatever F says
SERVO_SECONDS = 0.1  # that a pen needs to be lifted or lowered
SERVOS = {"M280 P0 S90": True, "M280 P0 S30": False, "SET_SERVO SERVO=pen ANGLE=90": True,
          "SET_SERVO SERVO=pen ANGLE=30": False, "M3 S90": True, "M5": False}  # fmt: skip
OF_DIALECT = {"grbl": ("M3 S90", "M5"), "marlin": ("M280 P0 S90", "M280 P0 S30"),
              "klipper": ("SET_SERVO SERVO=pen ANGLE=90", "SET_SERVO SERVO=pen ANGLE=30")}  # fmt: skip


@dataclasses.dataclass
class Drawing:
    """What a machine did: lines (n, 2) with the pen down, all positions (m, 2), seconds, whether the pen is down."""

    drawn: list
    visited: np.ndarray
    seconds: float
    down: bool

    @property
    def travel(self):
        """The length of what was not drawn."""
        ways = np.hypot(*np.diff(self.visited, axis=0).T).sum()
        return ways - sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in self.drawn)


def travel(strokes, start=(0.0, 0.0)):
    """Length of the way with the pen up: from ``start`` to the first stroke, between all, and back to ``start``."""
    ends = [np.array(end) for stroke in strokes for end in (stroke[0], stroke[-1])]
    way = [np.array(start), *ends, np.array(start)]
    return float(sum(np.hypot(*(b - a)) for a, b in zip(way[::2], way[1::2])))


def draw(text, dialect):
    """Let a machine draw: ``dialect`` is "grbl", "marlin", "klipper" or "hpgl"."""
    return _hpgl(text) if dialect == "hpgl" else _gcode(text, dialect)


def _gcode(text, dialect):
    down, place, height, feed, waited = None, None, None, None, np.inf
    drawn, visited, time, moving, ended = [], [], 0.0, False, False
    for line in text.splitlines():
        line = line.split(";")[0].strip()
        if not line or line in ("G21", "G90"):
            continue
        assert not ended, f"{line} after the end of the program"
        if line in ("M2", "M30"):
            down, ended = (False if down is not None else None), True
        elif line == "M400" and dialect == "marlin":
            moving = False
        elif line in SERVOS:
            assert line in OF_DIALECT[dialect], f"{dialect} does not know {line}"
            assert dialect != "marlin" or not moving, "the servo moves while the pen is on its way: M400 is missing"
            down, waited = SERVOS[line], 0.0
            assert place is not None or not down, "the pen goes down before its place is known"
            if down:
                drawn.append([place])
        elif wait := re.fullmatch(r"G4 P([\d.]+)", line):
            pause = float(wait[1]) / (1 if dialect == "grbl" else 1000)
            assert pause < 5, f"{line} waits for {pause} seconds"
            waited, time = waited + pause, time + pause
        else:
            words = {word[0]: float(word[1:]) for word in line.split()}
            assert set(words) <= set("GXYZF") and words["G"] in (0, 1), line
            rapid = words["G"] == 0 and dialect == "grbl"
            feed = feed if rapid else words.get("F", feed)
            speed = RAPID if rapid else feed
            assert speed, f"{line} has no speed"
            assert waited >= SERVO_SECONDS, f"{line} before the servo has arrived"
            if "Z" in words:
                assert not {"X", "Y"} & set(words), line
                time += 60 * abs(words["Z"] - (height or 0)) / speed
                height, down = words["Z"], words["Z"] <= 0
                if down:
                    drawn.append([place])
            else:
                assert down is not None, "the pen moves before it is lifted"
                new = (words["X"], words["Y"])
                time += 60 * float(np.hypot(*np.subtract(new, place or new))) / speed
                place, moving = new, True
                visited.append(place)
                if down:
                    drawn[-1].append(place)
    return Drawing([np.array(line) for line in drawn], np.array(visited), time, bool(down))


def _hpgl(text):
    pen, down, speed, place, drawn, visited, time = 0, False, None, None, [], [], 0.0
    for command in text.replace("\n", "").rstrip(";").split(";"):
        name, numbers = command[:2], [float(n) for n in command[2:].split(",") if n]
        assert name in ("IN", "SP", "VS", "PU", "PD"), command
        if name == "SP":
            pen = int(numbers[0])
        elif name == "VS":
            assert 1 <= numbers[0] <= 127, command
            speed = 10 * numbers[0]
        elif name != "IN":
            was, down = down, name == "PD"
            time += SERVO_SECONDS * (was != down)
            assert len(numbers) % 2 == 0 and all(n == int(n) for n in numbers), command
            if down and not was:
                assert pen == 1 and place is not None, "no pen was taken, or its place is not known"
                drawn.append([place])
            for new in np.reshape(numbers, (-1, 2)) / 40:
                new = tuple(new.tolist())
                time += float(np.hypot(*np.subtract(new, place or new))) / speed
                place = new
                visited.append(place)
                if down:
                    drawn[-1].append(place)
    assert pen == 0, "the pen is not put back"
    return Drawing([np.array(line) for line in drawn], np.array(visited), time, down)
