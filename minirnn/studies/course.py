"""Make the whole course into HTML pages, to be read or projected without running anything and without a network.

    python -m minirnn.studies.course tutorials -o course        then open course/index.html

Every chapter is run in a process of its own, cell by cell; below each cell stands what it printed and drew. The
answers, the notation and the other texts of the folder become pages, too. Equations are MathML, which every browser
draws itself (latex2mathml makes it of the LaTeX between dollar signs); markdown-it-py makes HTML of Markdown, and
Pygments colours the code. They come with the extra ``course``.
"""

import contextlib
import html
import io
import linecache
import multiprocessing
import os
import pathlib
import re
import sys
import textwrap
import traceback

from tqdm import tqdm

from minirnn.arguments import Parser, positive_int
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic
from minirnn.studies.notebooks import chapters_in, needed

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<nav>{links}</nav>
<main>
{body}
</main>
<nav>{links}</nav>
</body>
</html>
"""
STYLE = """\
body { margin: 0 auto; max-width: 58rem; padding: 1rem; font: 1.15rem/1.55 Georgia, "Liberation Serif", serif;
       color: #222; background: #fff }
p, ul, ol, table { max-width: 46rem }
h1, h2, h3 { line-height: 1.2; margin-top: 2em }
pre { font: 0.68em/1.45 "DejaVu Sans Mono", Consolas, monospace; padding: 0.6em 0.8em; overflow-x: auto; margin: 1em 0 }
code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 0.82em }
pre code { font-size: 1em }
.code { background: #f5f5f2; border-left: 3px solid #0072b2 }
.output { border-left: 3px solid #ccc }
img { max-width: 100%; display: block; margin: 1em auto }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "Libertinus Math", math }
math[display="block"] { margin: 1em 0; max-width: 46rem }
mtd { text-align: left; padding: 0.2em 0.6em }
mtable[columnspacing="0em"] > mtr > mtd { padding: 0.2em 0.15em }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: 0.25em 0.7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top }
nav { display: flex; justify-content: space-between; gap: 1em; font-size: 0.85em; padding: 0.5em 0 }
a { color: #0072b2 }
@media print { nav { display: none } pre { white-space: pre-wrap } }
"""
LEAVE = "notebooks", "pictures"  # folders that hold no pages


def equation(latex, display=False):
    """LaTeX as MathML. MinirnnError if it is no LaTeX that latex2mathml knows."""
    try:
        mathml = needed("latex2mathml.converter").convert(latex, display="block" if display else "inline")
    except MinirnnError:
        raise
    except Exception as error:
        raise MinirnnError(f"${latex}$: no equation ({type(error).__name__}: {error})") from None
    if "\\" in mathml or ">&<" in mathml:  # a command that it does not know, which it hands on as it is
        raise MinirnnError(f"${latex}$: latex2mathml does not know all of it")
    # Browsers set a function's name apart only if it is an operator: h = o tanh(c), log p.
    return re.sub(r"<mi>(exp|log|tanh)</mi>(?=(<mo[^>]*>&#x00028;)?)", lambda name: '<mo lspace="0.17em" '
                  f'rspace="{0 if name[2] else 0.17}em">{name[1]}</mo>', mathml)  # fmt: skip


def markdown_to_html(text):
    """HTML of Markdown with tables and equations; links to chapters and Markdown files lead to their pages."""
    parser = needed("markdown_it").MarkdownIt("commonmark").enable("table")
    parser.use(needed("mdit_py_plugins.dollarmath").dollarmath_plugin, allow_space=False, double_inline=True,
               renderer=lambda latex, options: equation(latex, options["display_mode"]))  # fmt: skip
    page = re.sub(r'href="([^":#]+)\.md', r'href="\1.html', parser.render(text))
    page = re.sub(r'href="([^":#]*/)?(\d\d_\w+)\.py"', r'href="\1\2.html"', page)
    return page.replace('README.html"', 'index.html"')


def code_to_html(code):
    """HTML of Python code, coloured."""
    pygments, formatters = needed("pygments"), needed("pygments.formatters")
    formatter = formatters.HtmlFormatter(nowrap=True)
    return f'<pre class="code">{pygments.highlight(code, needed("pygments.lexers").PythonLexer(), formatter)}</pre>'


def output_to_html(printed):
    """HTML of what a cell printed; where it says that a picture was saved, the picture stands instead."""
    parts = re.split(r"^picture: (.*)\n", printed, flags=re.MULTILINE)
    for number, part in enumerate(parts):
        if number % 2:
            name = html.escape(pathlib.Path(part).name)
            yield f'<img src="pictures/{name}" alt="{name}">'
        elif part.strip():
            yield f'<pre class="output">{html.escape(part.strip(chr(10)))}</pre>'


def run_chapter(chapter, pictures):
    """Run the cells of a chapter (a path) one after the other -> what each code cell printed, a list of strings.

    The pictures go into the folder ``pictures``. MinirnnError if a cell raises an error. To be called in a process of
    its own: chapters set what others would meet, such as the style of the figures or a new cell."""
    os.environ["MINIRNN_PICTURES"] = str(pictures)
    names, outputs = {"__name__": "__main__", "__file__": str(chapter)}, []
    cells = [cell.source for cell in needed("jupytext").read(chapter).cells if cell.cell_type == "code"]
    for number, code in enumerate(cells, start=1):
        place = f"<{chapter.name}, cell {number}>"
        linecache.cache[place] = len(code), None, code.splitlines(keepends=True), place  # for inspect.getsource
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(code, place, "exec"), names)
        except Exception:
            where = textwrap.indent(traceback.format_exc(limit=-1), "    ")
            raise MinirnnError(f"{chapter}: code cell {number} does not run:\n{where}") from None
        outputs.append(printed.getvalue())
    return outputs


def chapter_page(chapter, outputs):
    """HTML of a chapter (a path) whose code cells printed ``outputs``."""
    parts, outputs = [], iter(outputs)
    for cell in needed("jupytext").read(chapter).cells:
        if cell.cell_type == "markdown":
            parts.append(markdown_to_html(cell.source))
        else:
            parts += [code_to_html(cell.source), *output_to_html(next(outputs))]
    return "\n".join(parts)


def navigation(path, pages):
    """Links from the page ``path`` to the one before it, the contents and the one after it."""
    up = "../" * (len(path.parts) - 1)
    number = pages.index(path) if path in pages else None
    before = pages[number - 1] if number else None
    after = pages[number + 1] if number is not None and number + 1 < len(pages) else None
    links = [(before, "← {}"), (pathlib.Path("index.html"), "Contents"), (after, "{} →")]
    names = {page: page.stem.replace("_", " ") for page in pages}
    return " ".join(
        f'<a href="{up}{to.as_posix()}">{name.format(names.get(to))}</a>' if to else "<span></span>"
        for to, name in links
    )


def texts_in(folder):
    """{page: path} of the Markdown files in ``folder``; a README becomes the index of its folder."""
    texts = {}
    for path in sorted(folder.rglob("*.md")):
        place = path.relative_to(folder)
        if not set(place.parts) & set(LEAVE):
            texts[place.with_name("index.html") if path.stem == "README" else place.with_suffix(".html")] = path
    return texts


def make_course(folder, out, processes=1):
    """Make the pages of the course in ``folder`` in the folder ``out`` -> how many. MinirnnError if a chapter or an
    equation is wrong; then no page is written."""
    chapters, texts = chapters_in(folder), texts_in(folder)
    bodies = {page: markdown_to_html(path.read_text(encoding="utf-8")) for page, path in texts.items()}
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        runs = [pool.apply_async(run_chapter, (chapter, out.resolve() / "pictures")) for chapter in chapters]
        for chapter, run in zip(tqdm(chapters, "chapters", disable=None), runs):
            bodies[pathlib.Path(f"{chapter.stem}.html")] = chapter_page(chapter, run.get())
    pages = [pathlib.Path(f"{chapter.stem}.html") for chapter in chapters]
    for page, body in bodies.items():
        title = html.escape(re.sub("<.*?>", "", re.search("<h1>(.*?)</h1>", f"{body}<h1>{page.stem}</h1>")[1]))
        (out / page).parent.mkdir(parents=True, exist_ok=True)
        with atomic(out / page) as file:
            up = "../" * (len(page.parts) - 1)
            file.write(PAGE.format(title=title, up=up, links=navigation(page, pages), body=body))
    with atomic(out / "style.css") as file:
        file.write(STYLE + needed("pygments.formatters").HtmlFormatter().get_style_defs(".code"))
    return len(bodies)


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.course",
        description="Make the whole course into HTML pages, which need no network.",
    )
    parser.add_argument("chapters", type=pathlib.Path, help="folder of the chapters, tutorials in the project")
    parser.add_argument("-o", "--out", type=pathlib.Path, default=pathlib.Path("course"), help="folder for the pages")
    parser.add_argument("--processes", type=positive_int, default=1, help="chapters to run at the same time; times "
                        "that they measure are right for one only")  # fmt: skip
    options = parser.parse_args(argv)
    count = make_course(options.chapters, options.out, options.processes)
    print(f"{count} pages; begin with {options.out / 'index.html'}")


if __name__ == "__main__":
    sys.exit(run_command(main))
