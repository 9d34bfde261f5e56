"""From files to samples: the text and the strokes of a line of handwriting, and the group to which it belongs."""

import pathlib
import sys

from minirnn.datasets.cache import cache_path, default_cache_folder, fingerprint, load_cache, save_cache
from minirnn.datasets.iam_ondb import read_iam_ondb
from minirnn.datasets.inkml import read_inkml
from minirnn.datasets.jsonl import read_jsonl, write_jsonl
from minirnn.datasets.labelled.items import is_inside
from minirnn.datasets.samples import Report, Sample, coverage, digest, format_coverage, split_by_group
from minirnn.errors import CannotWrite, MinirnnError

__all__ = [
    "Report",
    "Sample",
    "coverage",
    "default_cache_folder",
    "digest",
    "format_coverage",
    "load_samples",
    "read_iam_ondb",
    "read_inkml",
    "read_jsonl",
    "read_samples",
    "split_by_group",
    "write_jsonl",
]


def read_samples(source, report=None, progress=False):
    """Yield the samples of ``source``: the folder of IAM-OnDB, a .jsonl or .jsonl.gz file, the folder of a
    samples.jsonl, an .inkml file or a folder of them.

    ``report`` (`Report`) counts what is used and skipped. MinirnnError if ``source`` is none of these.
    """
    source = pathlib.Path(source)
    report = Report() if report is None else report
    if (source / "samples.jsonl").is_file():
        source = source / "samples.jsonl"
    if not source.exists():
        raise MinirnnError(f"{source} does not exist; check the path")
    if source.is_file() and source.name.endswith((".jsonl", ".jsonl.gz")):
        samples = read_jsonl(source)
    elif source.is_file() and source.suffix == ".inkml":
        samples = iter(read_inkml(source, report))
    elif source.is_dir() and any(source.rglob("*.inkml")):
        samples = _inkml_files(source, report)
    elif source.is_dir():
        yield from read_iam_ondb(source, report, progress)
        return
    else:
        raise MinirnnError(
            f"{source} is neither .jsonl nor .inkml nor a folder; "
            "python -m minirnn.prepare makes strokes of images"
        )
    for sample in samples:
        report.used += 1
        yield sample


def _inkml_files(folder, report):
    """Yield the samples of all InkML files in a folder and its subfolders. A file that cannot be used is skipped; only
    if there is no other one, this is an error."""
    reasons, some = [], False
    for path in sorted(folder.rglob("*.inkml")):
        group = path.relative_to(folder).with_suffix("").as_posix()
        try:
            if not is_inside(path, folder):
                raise MinirnnError(f"{path} leads out of the folder {folder}")
            samples = read_inkml(path, report, group)
        except MinirnnError as error:
            reasons.append(str(error))
            report.skip(group, str(error).removeprefix(str(path)).lstrip(":, "))
            continue
        some = True
        yield from samples
    if not some:
        raise MinirnnError(f"{reasons[0]} (and so on, {len(reasons)} files)" if len(reasons) > 1 else reasons[0])


def load_samples(source, cache_folder=None, progress=False):
    """Return (list of samples, `Report`) of ``source``, read once and kept in a cache until something changes.

    ``cache_folder`` is where caches are kept, by default `default_cache_folder()`. If none can be written, a warning is
    printed, and all strokes are kept in memory.
    """
    if not pathlib.Path(source).exists():
        raise MinirnnError(f"{source} does not exist; check the path")
    mark = fingerprint(source)
    folder = cache_folder or default_cache_folder()
    path = folder and cache_path(source, folder)
    cached = path and load_cache(path, mark)
    if path and not cached:
        report = Report()
        try:
            save_cache(path, mark, read_samples(source, report, progress), report)
            cached = load_cache(path, mark)
        except CannotWrite as error:
            warning = f"minirnn: {error}; going on without a cache (MINIRNN_CACHE=FOLDER names another place for it)"
            print(warning, file=sys.stderr)
    if cached:
        return cached
    report = Report()
    return list(read_samples(source, report, progress)), report
