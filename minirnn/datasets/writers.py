"""Who wrote what: a network that reads is validated on people whom it has never seen.

Lines of one person, or of one form, resemble each other; if some were trained on, the others say nothing about
strangers. So validation takes all lines of some people and training takes none of them.
"""

import csv
import pathlib

from minirnn.datasets.samples import split_by_group
from minirnn.errors import MinirnnError

WRITERS = "writers.csv"


def read_writers(source):
    """{form: person} of the file writers.csv (columns ``form`` and ``writer``) in the folder ``source``, or None if
    there is no such file: then every group is taken for a person.

    In IAM-OnDB the numbers stand in the original XML files of the forms."""
    path = pathlib.Path(source) / WRITERS
    if not path.is_file():
        return None
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return {row["form"]: row["writer"] for row in csv.DictReader(file)}
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise MinirnnError(f"{path}: expected UTF-8 text with the columns form and writer ({error})") from None


def split_by_people(samples, source, fraction, seed=0):
    """Return (training, validation), lists of samples; about ``fraction`` of the people are for validation.

    The same person of another source goes the same way (`minirnn.datasets.samples.split_by_group`). Lines of forms
    that writers.csv does not name may be by any of these people, so they are only trained on."""
    writers = read_writers(source)
    if writers is None:
        return split_by_group(samples, fraction, seed)
    nobody = [sample for sample in samples if sample.group not in writers]
    known = [sample for sample in samples if sample.group in writers]
    for sample in known:
        sample.group = writers[sample.group]
    training, validation = split_by_group(known, fraction, seed)
    return training + nobody, validation
