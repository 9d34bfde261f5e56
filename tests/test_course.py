"""The course as notebooks and as pages: both made from the chapters by one command, and equal to them."""

import pathlib
import re
import sys

import pytest

from minirnn.errors import MinirnnError
from minirnn.studies import course, notebooks

ROOT = pathlib.Path(__file__).parents[1]
TUTORIALS = ROOT / "tutorials"
NOTEBOOKS = TUTORIALS / "notebooks"
CHAPTERS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
CHAPTER = """\
# %% [markdown]
# # 1. A chapter
#
# The state is $h_t$, and see [the answers](answers/01.md) or [the next chapter](02_more.py):
#
# $$h_t = \\tanh(x_t W_x)$$

# %%
from minirnn.course import show

figure, ax = show.diagram(2, 2, 1, 1)
show.box(ax, 0.5, 0.5, "a box")
show.picture(figure, "01_box.png")
print("1 < 2")

# %%
print(CELL)
"""


@pytest.fixture
def folder(tmp_path):
    """The folder of a course with one chapter, its answers, and a table of contents."""
    (tmp_path / "answers").mkdir()
    (tmp_path / "01_box.py").write_text(CHAPTER.replace("CELL", "'the end'"), encoding="utf-8")
    (tmp_path / "answers" / "01.md").write_text("# Answers\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("# The course\n\n[one](01_box.py)\n", encoding="utf-8")
    return tmp_path


# ---- notebooks ----------------------------------------------------------------------------------------------------


def test_the_notebooks_are_the_chapters():
    repository = notebooks.repository_of(NOTEBOOKS)
    assert [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))] == [path.stem for path in CHAPTERS]
    other = [
        path.stem for path in CHAPTERS
        if (NOTEBOOKS / f"{path.stem}.ipynb").read_text(encoding="utf-8") != notebooks.notebook_text(path, repository)
    ]  # fmt: skip
    assert not other, "they differ from their chapters; make them anew: python -m minirnn.studies.notebooks tutorials"


def test_a_new_place_of_the_notebooks_is_kept(folder):
    notebooks.main([str(folder), "--repository", "ana/rnn"])
    (made,) = (folder / "notebooks").glob("*.ipynb")
    text = made.read_text(encoding="utf-8")
    assert "https://colab.research.google.com/github/ana/rnn/blob/main/tutorials/notebooks/01_box.ipynb" in text
    notebooks.main([str(folder)])
    assert made.read_text(encoding="utf-8") == text
    with pytest.raises(MinirnnError, match="NAME/PROJECT"):
        notebooks.main([str(folder), "--repository", "ana"])


@pytest.mark.parametrize("name", ["02_the_vanilla_rnn", "18_reading_without_knowing_where"])
def test_a_notebook_alone_runs_to_its_end_with_its_pictures_below_the_cells(name, tmp_path, monkeypatch):
    alone, jupyters = tmp_path / "alone", tmp_path / "jupyters"
    alone.mkdir()
    for place in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(place, str(jupyters))
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    nbclient.NotebookClient(
        notebook, timeout=600, startup_timeout=300, resources={"metadata": {"path": str(alone)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8").count("show.picture(") > 0
    assert not list(alone.iterdir())


# ---- pages --------------------------------------------------------------------------------------------------------


def test_every_text_and_every_equation_of_the_course_becomes_html():
    import jupytext

    texts = {str(path): [path.read_text(encoding="utf-8")] for path in course.texts_in(TUTORIALS).values()}
    for chapter in CHAPTERS:
        texts[chapter.name] = [cell.source for cell in jupytext.read(chapter).cells if cell.cell_type == "markdown"]
    for name, cells in texts.items():
        for cell in cells:
            page = re.sub(r"<pre>.*?</pre>|<code>.*?</code>", "", course.markdown_to_html(cell), flags=re.DOTALL)
            assert "$" not in page, (name, page[page.index("$") - 80 :][:160])


def test_the_pages_have_output_and_pictures_and_need_no_network(folder):
    out = folder / "made"
    assert course.make_course(folder, out) == 3
    page = (out / "01_box.html").read_text(encoding="utf-8")
    assert "1 &lt; 2" in page and "the end" in page and page.count("<math") == 2
    for made in out.rglob("*.html"):
        text = made.read_text(encoding="utf-8")
        for target in re.findall(r'(?:src|href)="([^"#]*)"', text):
            assert "02_more.html" in target or (made.parent / target).exists(), target
    assert "<td>2</td>" in (out / "answers" / "01.html").read_text(encoding="utf-8")


def test_a_cell_that_fails_is_named_and_no_page_is_written(folder):
    (folder / "01_box.py").write_text(CHAPTER.replace("CELL", "1 / 0"), encoding="utf-8")
    with pytest.raises(MinirnnError, match=r"01_box\.py: code cell 2 does not run(.|\n)*ZeroDivisionError"):
        course.make_course(folder, folder / "made")
    assert not list((folder / "made").rglob("*.html"))


@pytest.mark.parametrize("latex", [r"\left( a", r"a \nosuchcommand b", r"\begin{aligned} a &= b \end{aligned}"])
def test_what_is_no_equation_is_said(latex):
    with pytest.raises(MinirnnError, match=r"latex2mathml|no equation"):
        course.markdown_to_html(f"$${latex}$$")


def test_a_folder_without_chapters_is_said(tmp_path):
    for command in (notebooks.main, course.main):
        with pytest.raises(MinirnnError, match="no chapters"):
            command([str(tmp_path)])


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MinirnnError, match=r'latex2mathml; pip install "minirnn\[course\]"'):
        course.equation("a")
