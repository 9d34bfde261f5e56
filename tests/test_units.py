"""The search for units that can be named finds those that were put there."""

import numpy as np
import pytest

from minirnn import backend
from minirnn.errors import MinirnnError
from minirnn.ink.vocabularies import CharVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.studies import units

TEXT = "".join(f'He said: "{"tea " * n}yes", and left.\nThen we had {"a net " * (n % 3)}\n' for n in range(1, 25))
CHARS = CharVocabulary(TEXT)


def quotation_network():
    """An LSTM with small random units but for unit 3, whose cell every quotation mark turns on or off."""
    network = CharRNN(len(CHARS), "lstm", layers=1, hidden=6, embed=len(CHARS), seed=0)
    for array in backend.flatten(network.params).values():
        array *= 0.1
    E, lstm1 = network.params["embedding"]["E"], network.params["lstm1"]
    E[:] = np.eye(len(CHARS))
    H, unit, mark, end = 6, 3, CHARS.encode('"')[0], CHARS.encode("\n")[0]
    i, f, o, g = (slice(n * H + unit, n * H + unit + 1) for n in range(4))
    Wx, Wh, b = lstm1["Wx"], lstm1["Wh"], lstm1["b"]
    for gate in (i, f, o, g):
        Wx[:, gate], Wh[:, gate] = 0, 0
    # The cell is kept; a mark writes 1 if it is off (h = 0) and erases it if it is on; a line end erases it.
    b[i], Wx[mark, i] = -20, 40
    b[g], Wh[unit, g] = 10, -30
    b[f], Wx[end, f] = 20, -60
    Wx[mark, f] = -60
    b[o] = 20
    return network


def test_where_a_quotation_is():
    assert units.inside_quotation('a "b" c').tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert units.inside_quotation('"a\nb').tolist() == [1, 1, 0, 0], "a paragraph's end closes it"
    assert units.since(".", 2)("ab.cdef").tolist() == [1, 2, 0, 1, 2, 2, 2]


def test_a_unit_that_was_made_for_quotations_is_found():
    found, h = units.find_units(quotation_network(), CHARS, TEXT)
    unit, strength, untrained = found["inside a quotation"]
    assert unit == 3 and abs(strength) > 0.9 > 0.8 > abs(untrained)
    shown = units.coloured(TEXT, h, unit)
    assert "".join(character for character, _ in shown) == TEXT and {0.0, 1.0} <= {value for _, value in shown}


def test_what_does_not_vary_is_left_out_and_a_short_text_is_refused():
    text = "we had a net and left " * 40
    found, _ = units.find_units(quotation_network(), CHARS, text)
    assert "inside a quotation" not in found and "how far into the word" in found
    with pytest.raises(MinirnnError, match="give at least 400"):
        units.find_units(quotation_network(), CHARS, TEXT[:100])


def test_the_command_prints_units_and_colours_text(tmp_path, capsys):
    network = quotation_network()
    arrays = {f"params.{name}": array for name, array in backend.flatten(network.params).items()}
    meta = {"kind": network.kind, "network": network.settings, "symbols": CHARS.symbols}
    checkpoint.save(tmp_path / "net.npz", meta, arrays)
    (tmp_path / "text.txt").write_text(TEXT + "§", encoding="utf-8")
    words = [str(tmp_path / "net.npz"), "--text", str(tmp_path / "text.txt")]
    units.main([*words, "--html", str(tmp_path / "units.html")])
    assert "inside a quotation         unit    3" in capsys.readouterr().out
    assert "From left to right: inside a quotation" in (tmp_path / "units.html").read_text(encoding="utf-8")
    units.main(words)
    assert "inside a quotation:\n" in capsys.readouterr().out
