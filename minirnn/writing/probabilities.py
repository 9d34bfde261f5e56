"""Written text with the probability of every character as a colour: as rows for a terminal, and as a page of HTML."""

import html
import itertools

UNLIKELY, LIKELY = (214, 96, 77), (247, 247, 247)  # colours (red, green, blue) of the probabilities 0 and 1
MEANING = (
    "The stronger the colour, the less likely the character was to the network; the pointer shows its probability."
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Probabilities</title>
<style>body {{ font: 16px/1.5 monospace; color: #111; background: #fff; margin: 2em; display: grid; gap: 2em;
grid-template-columns: repeat({columns}, minmax(20em, 1fr)); }}
pre {{ margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }} p {{ grid-column: 1 / -1; margin: 0; }}</style>
<p>{meaning}</p>
{samples}
</html>
"""


def colour(p):
    """(red, green, blue) from 0 to 255 of a probability ``p``; None, what was given and not written, is white."""
    if p is None:
        return 255, 255, 255
    return tuple(round(a + (b - a) * p) for a, b in zip(UNLIKELY, LIKELY))


def as_html(samples, meaning=MEANING):
    """A page of HTML with the ``samples``, each a list of (character, probability or None), side by side; ``meaning``
    says above them what the colours mean."""
    columns = []
    for sample in samples:
        spans = [
            f'<span style="background:rgb{colour(p)}" title="{"given" if p is None else f"{p:.3f}"}">'
            f"{html.escape(character)}</span>"
            for character, p in sample
        ]
        columns.append(f"<pre>{''.join(spans)}</pre>")
    return PAGE.format(columns=min(4, len(samples)), samples="\n".join(columns), meaning=html.escape(meaning))


def as_rows(samples, width, coloured):
    """The ``samples`` side by side as lines of text for a terminal of ``width`` columns; ``coloured`` by escapes."""
    column = max(20, (width - 3 * (len(samples) - 1)) // len(samples))
    rows = itertools.zip_longest(*(_wrapped(sample, column) for sample in samples), fillvalue=[])
    for row in rows:
        cells = ["".join(_cell(*drawn, coloured) for drawn in cell) + " " * (column - len(cell)) for cell in row]
        yield " | ".join(cells).rstrip()


def _wrapped(sample, width):
    """The sample as rows of at most ``width`` characters; a line end begins a new one."""
    row = []
    for character, p in sample:
        if character == "\n" or len(row) == width:
            yield row
            row = []
        if character != "\n":
            row.append((character if character.isprintable() else "?", p))
    yield row


def _cell(character, p, coloured):
    if not coloured or p is None:
        return character
    red, green, blue = colour(p)
    return f"\x1b[48;2;{red};{green};{blue};38;2;17;17;17m{character}\x1b[0m"
