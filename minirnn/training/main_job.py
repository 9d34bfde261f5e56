"""The main job, on the data that come with the project: from pictures of a handwriting to new text in that hand.

    1_images/   the pictures of data/sample_hand, cleaned and traced: steps.png, contact_sheet_01.png, samples.jsonl
    2_hand/     the run that learns the hand from these strokes, starting from the weights that come with the package
    3_text/     the run that learns what to write from the letters of the package
    page.png    new text by the second network, in the hand that the first has learned

Each of the four parts does what a command does, and this command is printed first. Parts that are done already are not
done again, so that a run can be stopped at any moment and continued.
"""

import pathlib

from minirnn.errors import MinirnnError
from minirnn.images.image_files import read_image
from minirnn.images.labelled_sets import prepare_labelled
from minirnn.images.pictures import draw_steps
from minirnn.images.pipeline import read_page
from minirnn.training.run_folder import newest_sample
from minirnn.writing.hands import Writer
from minirnn.writing.letters import handwrite

# Three hundred lines allow larger steps than a few lines do.
HAND = {"lr": 1e-3, "epochs": 3.0, "evaluations": 3}
# On so short a text, a GRU learns more in the same time than an LSTM does (1.57 and 1.66 nats per character), and a
# small batch, which leaves time for more steps, learns more than a large one.
TEXT = {"cell": "gru", "batch": 16, "epochs": 9.0}
SAMPLE_HAND = pathlib.Path(__file__).parents[2] / "data" / "sample_hand"


def run_main_job(run, general, learn):
    """Do the parts that are not done yet in the folder ``run``.

    general  settings of all parts: {"seed": 3}
    learn    learn(options, folder) begins a run of minirnn.train with options {name: value}, or continues it
    """
    if not (SAMPLE_HAND / "metadata.csv").exists():
        raise MinirnnError(
            f"{SAMPLE_HAND} is not there: the sample data come with the project's sources, not with the installed "
            "package; run this in a clone of them, or give --text FILE or --task hand --data SAMPLES"
        )
    images, hand, text = (run / name for name in ("1_images", "2_hand", "3_text"))
    announce(f"python -m minirnn.prepare {SAMPLE_HAND} --out {images} --show {images / 'steps.png'}")
    if not (images / "samples.jsonl").exists():
        trace_images(images)
    print(f"look at     {images / 'steps.png'}\n            {images / 'contact_sheet_01.png'}")
    options = {"task": "hand", "data": [str(images)], **HAND, **general}
    announce(f"python -m minirnn.train {as_words(options)} --out {hand}")
    learn(options, hand)
    print(f"look at     {hand / 'loss.png'}\n            {newest_sample(hand, '*[0-9].png')}")
    options = {"task": "text", **TEXT, **general}
    announce(f"python -m minirnn.train {as_words(options)} --out {text}")
    learn(options, text)
    print(f"look at     {text / 'loss.png'}\n            {newest_sample(text, '*.txt')}")
    announce(f"python -m minirnn.write --file {newest_sample(text, '*.txt')} --hand {hand} -o {run / 'page.png'}")
    written = newest_sample(text, "*.txt").read_text(encoding="utf-8")
    print(written)
    for path in handwrite(written, run / "page.png", Writer(hand)):
        print(f"look at     {path}")


def trace_images(images):
    """Part 1: the pictures of the sample hand become strokes in the folder ``images``."""
    images.mkdir(exist_ok=True)
    draw_steps(images / "steps.png", *read_page(read_image(min(SAMPLE_HAND.glob("*.jpg")))))
    samples, problems = prepare_labelled(SAMPLE_HAND, images)
    print(f"strokes     {len(samples)} lines traced, {len(problems)} problems")


def as_words(options):
    """Options {name: value} as a user would type them."""
    values = ((name, *(value if isinstance(value, list) else [value])) for name, value in options.items())
    return " ".join(f"--{name.replace('_', '-')} {' '.join(map(str, value))}" for name, *value in values)


def announce(command):
    """Print the command that does the part that comes next."""
    print(f"\n$ {command}\n", flush=True)
