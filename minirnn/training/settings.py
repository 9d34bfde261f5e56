"""The settings of a run: the options of `python -m minirnn.train`, and what settings.json keeps.

Every setting is declared once, with its default, its type and its meaning. The parser is made from the declarations
(`add_options`), and settings.json is read into them (`Settings.of`), so that the two cannot disagree. Defaults that
differ for a task are in `minirnn.training.fine_tuning` (one hand) and `minirnn.training.read_task` (reading).
"""

import argparse
import dataclasses
from typing import ClassVar

from minirnn.arguments import above_zero, fraction, not_negative, positive_int, zero_or_more
from minirnn.cores import available_cores
from minirnn.errors import MinirnnError, is_text
from minirnn.layers import CELLS
from minirnn.training.optimisers import OPTIMISERS

RENAMED = {"average": "ema", "grow": "curriculum"}  # as older runs call them
ADDED = {"encoding": None, "clean": False, "cell_from": None}  # what older runs lack, and what they are
LENGTHS = ("epochs", "steps", "minutes")  # a run has one of these


def setting(default, meaning, kind=str, names=(), **argument):
    """A field of a dataclass that is also an option: ``kind`` checks its value, ``names`` are further names of the
    option, and the other arguments are for argparse."""
    return dataclasses.field(default=default, metadata={"help": meaning, "kind": kind, "names": names, **argument})


@dataclasses.dataclass
class RunSettings:
    """What to do, and where to compute."""

    TITLE: ClassVar[str] = "the run"

    task: str | None = setting(None, "the main job on the data that come with the project; a text; a handwriting; to "
                               "read handwriting; by default what --text or --data ask for, else all",
                               choices=["all", "text", "hand", "read"])  # fmt: skip
    device: str = setting("cpu", "where to compute", choices=["cpu", "gpu"])


@dataclasses.dataclass
class DataSettings:
    """What to learn from, and how it is cut."""

    TITLE: ClassVar[str] = "the data"

    text: list | None = setting(None, "texts to learn, files or folders of .txt; by default the letters that come with "
                                "the package", nargs="+", metavar="FILE")  # fmt: skip
    encoding: str | None = setting(None, "of the texts, such as cp1252 or latin-1; by default UTF-8, or UTF-16 where "
                                   "that is recognised")  # fmt: skip
    clean: bool = setting(False, "drop control characters from the texts, which are refused otherwise", bool,
                          action="store_true")  # fmt: skip
    data: list | None = setting(None, "handwriting to learn: a folder that minirnn.prepare made, the folder of "
                                "IAM-OnDB's archives, a .jsonl, .jsonl.gz or .json file, or a file or folder of InkML, "
                                "Unipen, or SVG with .txt beside; several for --task read",
                                nargs="+", metavar="SOURCE")  # fmt: skip
    directions: int = setting(48, "of a step of the pen", positive_int)
    step_length: float = setting(0.36, "in units of the line (the x-height is about 1.3)", above_zero)
    lifts: int = setting(192, "moves with the pen lifted, in the codebook", positive_int)
    curriculum: int = setting(0, "epochs in which only the beginnings of lines are learned, one chunk more in each",
                              zero_or_more, ("grow",))  # fmt: skip
    held_out: float = setting(0.1, "part of the data that is kept for validation: the end of a text, whole groups or "
                              "people of a handwriting", fraction)  # fmt: skip
    batch: int = setting(32, "parallel streams or lines", positive_int)
    steps_per_chunk: int = setting(64, "time steps of truncated BPTT", positive_int)


@dataclasses.dataclass
class NetworkSettings:
    """How large the network is, and from which weights it starts."""

    TITLE: ClassVar[str] = "the network"

    init: str | None = setting(None, "weights to start from: pretrained (what the package brings, for a hand or a "
                               "text), scratch, or a run; by default pretrained for a hand, else scratch",
                               metavar="WEIGHTS")  # fmt: skip
    cell: str = setting("lstm", "the recurrent layers", choices=sorted(CELLS))
    cell_from: str | None = setting(None, "a Python file with a recurrent layer of your own, which takes the place of "
                                    "--cell; for a text", metavar="FILE")  # fmt: skip
    layers: int = setting(2, "recurrent layers", positive_int)
    hidden: int = setting(256, "units of a recurrent layer", positive_int)
    embed: int = setting(64, "size of a symbol's embedding", positive_int)
    dropout: float = setting(0.2, "probability that a unit is silent", fraction)


@dataclasses.dataclass
class TrainingSettings:
    """How to train: what `minirnn.training.trainer.Trainer` needs."""

    TITLE: ClassVar[str] = "the training"

    epochs: float | None = setting(None, "passes over the data (12, if no other length is given)", above_zero)
    steps: int | None = setting(None, "training steps in all", positive_int)
    minutes: float | None = setting(None, "a budget: as many steps as fit into it", above_zero)
    optimiser: str = setting("adam", "how a gradient becomes a step", choices=sorted(OPTIMISERS))
    lr: float = setting(4e-3, "highest learning rate", above_zero)
    schedule: str = setting("cosine", "of the learning rate", choices=["constant", "cosine", "plateau", "trapezoid"])
    warmup: int = setting(20, "steps over which the learning rate rises", zero_or_more)
    weight_decay: float = setting(0.0, "of Adam, decoupled (AdamW)", not_negative)
    clip: float = setting(1.0, "largest global norm of the gradient", above_zero)
    ema: float = setting(0.0, "decay of an exponential moving average of the weights, used in their place; 0: off",
                         fraction, ("average",))  # fmt: skip
    evaluations: int = setting(10, "spread evenly over the run", positive_int)
    patience: int = setting(3, "evaluations without a new best after which the run stops; 0: never", zero_or_more)
    threads: int = setting(min(2, available_cores()), "threads that share the sequences of a batch; with --device gpu, "
                           "processes that make batches of handwriting ahead of time", positive_int)  # fmt: skip
    seed: int = setting(0, "of everything that is drawn at random", zero_or_more)


@dataclasses.dataclass
class Settings:
    """All settings of a run, in four groups."""

    run: RunSettings = dataclasses.field(default_factory=RunSettings)
    data: DataSettings = dataclasses.field(default_factory=DataSettings)
    network: NetworkSettings = dataclasses.field(default_factory=NetworkSettings)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)

    @classmethod
    def of(cls, values):
        """The settings {name: value}; all others have their defaults. A name or value that is not allowed raises
        MinirnnError."""
        values, groups = cls.of_older(values), {}
        for group in dataclasses.fields(cls):
            own = {field.name: field for field in dataclasses.fields(group.type)}
            named = {name: values.pop(name) for name in own.keys() & values.keys()}
            groups[group.name] = group.type(**{name: checked(own[name], value) for name, value in named.items()})
        if values:
            raise MinirnnError(f"there is no setting {min(values, key=str)!r}")
        return cls(**groups)

    @staticmethod
    def of_older(values):
        """``values`` under the names that they have today, and what was added since."""
        return {**ADDED, **{RENAMED.get(name, name): value for name, value in values.items()}}

    def values(self):
        """{name: value} of all settings, for JSON."""
        groups = (getattr(self, group.name) for group in dataclasses.fields(self))
        return {name: value for group in groups for name, value in dataclasses.asdict(group).items()}


def checked(field, value):
    """``value`` of a setting, converted to its type; MinirnnError if that is not possible."""
    facts = field.metadata
    if value is None and field.default is None:
        return None
    if facts.get("nargs"):
        value = [value] if is_text(value) else value
        if not isinstance(value, list) or not value or not all(map(is_text, value)):
            raise MinirnnError(f"{field.name} is {value!r}, not a list of names")
        return value
    if facts["kind"] is bool:
        if not isinstance(value, bool):
            raise MinirnnError(f"{field.name} is {value!r}, neither true nor false")
        return value
    if facts["kind"] is str:
        if not is_text(value) or value not in facts.get("choices", [value]):
            wanted = f"one of {', '.join(facts['choices'])}" if "choices" in facts else "a text"
            raise MinirnnError(f"{field.name} is {value!r}, not {wanted}")
        return value
    try:
        return facts["kind"](str(value))
    except argparse.ArgumentTypeError as error:
        raise MinirnnError(f"{field.name}: {error}") from None


def add_options(parser):
    """Make an option of every setting. What is not given does not appear in the parsed arguments."""
    for group_field in dataclasses.fields(Settings):
        group = parser.add_argument_group(group_field.type.TITLE)
        fields = dataclasses.fields(group_field.type)
        lengths = {field.name for field in fields} & set(LENGTHS)
        length = group.add_mutually_exclusive_group() if lengths else group
        for field in fields:
            facts = dict(field.metadata)
            names = [f"--{name.replace('_', '-')}" for name in (field.name, *facts.pop("names"))]
            kind, meaning = facts.pop("kind"), facts.pop("help")
            if field.default is not None and kind is not bool:
                meaning += f" (default {field.default})"
            place = length if field.name in lengths else group
            facts |= {} if kind is bool else {"type": kind}
            place.add_argument(*names, dest=field.name, default=argparse.SUPPRESS, help=meaning, **facts)
