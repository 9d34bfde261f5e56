"""From files to samples: the text and the strokes of a line of handwriting, and the group to which it belongs."""

import pathlib
import sys

from minirnn.datasets.cache import cache_path, default_cache_folder, fingerprint, load_cache, save_cache
from minirnn.datasets.iam_ondb import read_iam_ondb
from minirnn.datasets.inkml import read_inkml
from minirnn.datasets.jsonl import read_json, read_jsonl, write_jsonl
from minirnn.datasets.labelled.items import is_inside
from minirnn.datasets.samples import Report, Sample, coverage, digest, format_coverage, split_by_group
from minirnn.datasets.svg_strokes import read_svg_sample
from minirnn.datasets.unipen import SUFFIXES, is_unipen, read_unipen
from minirnn.errors import CannotWrite, MinirnnError

# Files of which a folder may hold any number: by their suffix, the function that gives the list of their samples.
INK_FILES = {".inkml": read_inkml, ".svg": read_svg_sample} | dict.fromkeys(SUFFIXES, read_unipen)

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
    """Yield the samples of ``source``: the folder of IAM-OnDB, a .jsonl, .jsonl.gz or .json file, the folder of a
    samples.jsonl, a file of ink (InkML; Unipen; SVG with its text in a .txt beside it) or a folder of such files.

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
    elif source.is_file() and source.suffix == ".json":
        samples = read_json(source)
    elif source.is_file() and source.suffix.lower() in INK_FILES:
        samples = iter(INK_FILES[source.suffix.lower()](source, report))
    elif source.is_dir() and (paths := _ink_files(source)):
        samples = _samples_of(paths, source, report)
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


def _ink_files(folder):
    """The files of ink in a folder and its subfolders, sorted: those of the first kind of which there is any. Drawings
    count only if their texts lie beside them, and .dat may be anything."""
    for suffixes in ((".inkml",), SUFFIXES, (".svg",)):
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        if suffixes == SUFFIXES:
            paths = [path for path in paths if is_unipen(path)]
        elif suffixes == (".svg",):
            paths = [path for path in paths if path.with_suffix(".txt").is_file()]
        if paths:
            return paths
    return []


def _samples_of(paths, folder, report):
    """Yield the samples of files of ink. A file that cannot be used is skipped; only if there is no other one, this is
    an error."""
    reasons, some = [], False
    for path in paths:
        group = path.relative_to(folder).with_suffix("").as_posix()
        try:
            if not is_inside(path, folder):
                raise MinirnnError(f"{path} leads out of the folder {folder}")
            samples = INK_FILES[path.suffix.lower()](path, report, group)
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
