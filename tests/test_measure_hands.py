"""The measurement of learned hands: who judges whom, what is kept, what the table says."""

import numpy as np
import pytest
from small_runs import made_samples

from minirnn.datasets import Sample, split_by_group
from minirnn.errors import MinirnnError
from minirnn.studies import learned_hands as hands

SAMPLES = [Sample(f"line {n}", s.strokes, "a form") for n, s in enumerate(made_samples(12))]


class Learned:
    """What has learned a hand, in row 9."""

    hand = 9


@pytest.fixture
def no_learning(monkeypatch):
    """Nothing is scanned and nothing learned: a character costs a shipped network 40, another one 30."""
    learned, judged = [], []

    def learn(samples, folder, seed):
        learned.append([s.text for s in samples])
        return Learned()

    def nats(writer, samples, row):
        assert row == (9 if isinstance(writer, Learned) else 0)
        judged.append([s.text for s in samples])
        return 30.0 if row else 40.0

    monkeypatch.setattr(hands, "learn", learn)
    monkeypatch.setattr(hands, "traced", lambda samples, seed: samples)
    monkeypatch.setattr(hands, "nats", nats)
    return learned, judged


def test_a_form_is_learned_from_one_half_and_judged_by_the_other(no_learning, tmp_path):
    learned, judged = no_learning
    row = hands.measure_form(tmp_path / "form", SAMPLES[:7], 0)
    assert learned == [["line 0", "line 1", "line 2"]]
    assert judged == 4 * [["line 3", "line 4", "line 5", "line 6"]]
    assert row == {"hand": "a form", "learned": 3, "lines": 4, "before": 40.0, "after": 30.0,
                   "recorded_before": 40.0, "recorded_after": 30.0}  # fmt: skip
    assert hands.measure_form(tmp_path / "longer", SAMPLES, 0)["learned"] == hands.MOST


def test_what_is_measured_is_kept(tmp_path):
    calls = []

    def measure(folder, number):
        calls.append(number)
        folder.mkdir()
        return {"number": number}

    for _ in range(2):
        assert hands.once(tmp_path / "x", measure, 5) == {"number": 5}
    assert calls == [5]


def test_the_table_has_the_mean_and_the_worst():
    rows = [{"hand": f"hand {n}", "learned": 4, "lines": 5, "before": 40.0, "after": after, "recorded_before": 50.0,
             "recorded_after": 50.0} for n, after in enumerate((36.0, 42.0))]  # fmt: skip
    text = hands.table(rows).splitlines()
    assert "-10.0%" in text[1] and "+5.0%" in text[2]
    assert text[-2].split() == ["mean", "-2.5%", "+0.0%"]
    assert text[-1].split() == ["worst", "+5.0%", "+0.0%"]
    rows = [{**row, "own": [80.0, 2.0, 0.4], "written": [77.5, 1.8, 0.5]} for row in rows]
    assert hands.table(rows).splitlines()[1].split()[-3:] == ["-2.5°", "-10.0%", "+25.0%"]


def test_errors_of_a_hand_stand_beside_those_of_a_wrong_one():
    own = np.array([[70.0, 2.0, 0.4], [80.0, 2.5, 0.5], [96.0, 3.0, 0.9]])
    rows = [{"own": mine.tolist(), "written": np.add(mine, [1.0, 0.1, 0.0]).tolist()} for mine in own]
    _, slope, proportions, lifts, nearest = hands.likeness(rows).splitlines()
    assert slope.split()[1:] == ["1.00°", "17.33°", "17.33°"]
    assert proportions.split()[-3] == "0.10" and lifts.split()[-3:] == ["0.00", "0.33", "0.33"]
    assert nearest.endswith("3 of 3")
    for row in rows:
        row["written"] = own[1].tolist()  # as if nothing had been learned but the mean
    assert hands.likeness(rows).endswith("1 of 3")


def test_the_looks_of_a_hand():
    lean, unit = np.tan(np.radians(10)), 1.0
    stems = [np.array([[x + lean * 2 * unit, 0.0], [x, 2 * unit]]) for x in np.arange(0, 40, 4.0)]
    slope, height_to_width, lifts = hands.mean_looks([Sample("abcde", stems, "")])
    assert slope == pytest.approx(80, abs=0.5)  # from the line to a stroke that leans 10 degrees to the right
    assert lifts == 2
    wider = [stem * [1.5, 1] for stem in stems]
    assert hands.mean_looks([Sample("abcde", wider, "")])[1] < 0.8 * height_to_width


def test_forms_are_those_that_the_weights_have_never_seen(monkeypatch):
    writer = hands.Writer()
    samples = [Sample("a line", s.strokes, f"form {n}") for n in range(60) for s in made_samples(6)]
    monkeypatch.setattr(hands, "load_samples", lambda *_, **__: (samples, None))
    forms = hands.unseen_forms("source", 2, 0)
    seen, _ = split_by_group(samples, writer.meta["held_out"], writer.meta["seed"])
    names = [lines[0].group for lines in forms]
    assert len(set(names)) == 2 and not set(names) & {s.group for s in seen}
    with pytest.raises(MinirnnError, match="ask for fewer"):
        hands.unseen_forms("source", 50, 0)


def test_lines_for_a_recogniser_come_with_their_texts(tmp_path):
    hands.draw(tmp_path, "1", SAMPLES[:2])
    hands.draw(tmp_path, "2", SAMPLES[2:3])
    rows = (tmp_path / "metadata.csv").read_text().splitlines()
    assert rows == ["file_name,text", "1_00.png,line 0", "1_01.png,line 1", "2_00.png,line 2"]
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["1_00.png", "1_01.png", "2_00.png"]
