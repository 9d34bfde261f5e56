"""How many steps a run has, and where it stands. (A run may also end early: see `minirnn.training.trainer`.)"""

import dataclasses
import math

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.training.optimisers import DECAY

TRIAL_STEPS = 50  # the first steps of a run with a budget in minutes, timed to plan the rest
MARGIN = 0.97  # the share of the remaining time for which steps are planned
COUNTED = 100  # epochs whose chunks are counted; further ones are taken to be like them
MOST_STEPS = 2**53  # beyond which a number in a JSON file is not exact any more


@dataclasses.dataclass
class Progress:
    """Where a run stands: the part of a checkpoint that is neither weights nor moments nor state."""

    step: int = 0
    epoch: int = 0
    index: int = 0  # of the next chunk within the epoch
    begin: int = 0  # the step at which the schedule began: another one than the first if the run was prolonged
    total: int = 0  # steps of the whole run; 0: not planned yet
    plans: int = 0  # how often the steps were planned by the clock
    best: float = math.inf
    since_best: int = 0  # evaluations since then
    lr_scale: float = 1.0  # the factor of the learning rate, reduced by the plateau schedule
    loss_sum: float = 0.0  # over the symbols that counted since the last evaluation
    loss_count: int = 0  # of these symbols
    skipped: int = 0  # steps left out because they were not finite
    skipped_in_a_row: int = 0
    evaluation_seconds: float = 0.0  # the time of the first evaluation
    seconds: float = 0.0
    done: bool = False


def checked_progress(found, data):
    """A `Progress` from the dict ``found``; an impossible one raises TypeError or ValueError."""
    if "loss_steps" in found:  # an older run's, which summed over steps: its next row begins here
        found = {**{name: value for name, value in found.items() if name != "loss_steps"}, "loss_sum": 0.0}
    progress = Progress(**found)
    for field in dataclasses.fields(Progress):
        if type(getattr(progress, field.name)) is not type(field.default):
            raise TypeError(f"{field.name} is {getattr(progress, field.name)!r}")
    numbers = [value for name, value in found.items() if name != "best"]
    if not (all(0 <= number < MOST_STEPS for number in numbers) and progress.best >= 0):
        raise ValueError("its progress has numbers that cannot be")
    behind = max(progress.skipped, progress.begin) <= progress.step
    if not (behind and 0 <= progress.index < data.chunks(progress.epoch)):
        raise ValueError("its progress cannot be")
    return progress


class Plan:
    """How many steps a run has, by its ``settings`` (`minirnn.training.settings.TrainingSettings`), its ``data`` and
    its ``progress``, which keeps what was planned by the clock: a resumed run must not plan otherwise."""

    def __init__(self, settings, data, progress):
        self.settings, self.data, self.progress = settings, data, progress
        self.prolonged = False  # by this process

    def steps(self):
        """Steps of the whole run, or None as long as a budget in minutes has not been planned. MinirnnError if they are
        more than can be counted."""
        if self.progress.total:
            return self.progress.total
        steps = self.settings.steps if self.settings.epochs is None else self._steps_of(self.settings.epochs)
        if steps is not None and steps >= MOST_STEPS:
            raise MinirnnError("so many steps cannot be counted; give fewer --epochs or --steps")
        return steps

    def _steps_of(self, epochs):
        """The steps of a number of ``epochs``, which for handwriting are not all of one length."""
        counted = min(int(epochs), COUNTED)
        steps, rest = sum(map(self.data.chunks, range(counted))), epochs - counted
        each = self.data.chunks(counted) if rest < 1 else steps / counted
        return max(1, round(steps + rest * each))

    def prolong(self, run):
        """Give a run the length that its settings now have, and return what that means in a sentence.

        As long as nothing that it has learned depends on the old length, it becomes the run that was planned longer
        from the beginning. Otherwise its learning rate has begun to fall; it rises again, and falls over all steps
        that are left (a warm restart: Loshchilov and Hutter 2017). ``run`` is its name for messages: MinirnnError if
        it has gone as far already."""
        progress, settings = self.progress, self.settings
        if settings.minutes is None:
            total = settings.steps if settings.epochs is None else self._steps_of(settings.epochs)
        elif progress.step:  # as many as fit into the rest of the time at the pace that it has had
            total = int(60 * settings.minutes * progress.step / max(progress.seconds, 1e-9))
        else:
            return "from the beginning"
        if total <= progress.step:
            raise MinirnnError(
                f"{run} has gone {progress.step:,} steps already, in {progress.seconds / 60:.1f} minutes; --steps, "
                "--epochs and --minutes say how long it shall be in all"
            )
        falling = progress.total and not self._is_level()
        if falling:
            progress.begin = progress.step
        if progress.done:
            progress.done, progress.since_best = False, 0
        progress.total, progress.plans, self.prolonged = total, 3, True
        fate = "rises again, for it had begun to fall" if falling else "is that of a run so long from the beginning"
        return f"from step {progress.step:,} to {total:,}; the learning rate {fate}"

    def _is_level(self):
        """Whether the learning rate has been so far what it would have been in a longer run."""
        progress, schedule = self.progress, self.settings.schedule
        gone, length = progress.step - progress.begin, progress.total - progress.begin
        return schedule in ("constant", "plateau") or (schedule == "trapezoid" and gone <= (1 - DECAY) * length)

    def is_due(self):
        """Whether a run with a budget in minutes is to be planned now: after the trial and, since the speed of a
        machine changes, after a quarter and after half of the time."""
        if self.settings.minutes is None or self.progress.plans == 3:
            return False
        due = (TRIAL_STEPS, self.progress.total // 4, self.progress.total // 2)[self.progress.plans]
        return self.progress.step >= due

    def by_time(self, times, spent):
        """How many steps fit into the minutes that were asked for, from the mean of the ``times`` of those taken so far
        and the seconds ``spent`` in all."""
        progress, settings = self.progress, self.settings
        evaluations = settings.evaluations
        if progress.total:
            evaluations -= progress.step * settings.evaluations // progress.total
        left = 60 * settings.minutes - spent - evaluations * progress.evaluation_seconds
        # The first few are slower; but there may be no others if the run was resumed just before the end of the trial.
        steps = MARGIN * left / float(np.mean(times[3:] or times))
        return progress.step + max(1, int(min(steps, MOST_STEPS / 2)))

    def evaluation_is_due(self):
        """Whether one of the evaluations, which are spread evenly over the run, comes after this step."""
        begin, evaluations = self.progress.begin, self.settings.evaluations
        length, step = self.progress.total - begin, self.progress.step - begin
        return length > 0 and step * evaluations // length > (step - 1) * evaluations // length
