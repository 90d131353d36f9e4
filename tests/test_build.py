"""From source to notebooks: ids, markers, clean metadata, and that a build of an unchanged tree changes nothing."""

import base64
import io
import json
import re

import nbformat
import pytest

from lib.course import build as builder
from lib.course.build import as_text, build, load, main, out_of_step, stub
from lib.course.cells import NOTEBOOKS, SOLUTIONS, names_bound, names_used, parse, untrained_cells

SOURCE = '''# %% [markdown]
# # 99 · Toy

# %%
import torch

# %% exercise="weighted_average" difficulty=1 minutes=1
def weighted_average(weights, values):
    """One mix."""
    ### BEGIN SOLUTION
    secret = torch.einsum("k,kd->d", weights, values)
    return secret
    ### END SOLUTION

# %% check="weighted_average"

# %%
print(weighted_average(torch.ones(1), torch.full((1, 1), 4.0)).item())

# %% tags=["training"]
trained = weighted_average(torch.ones(1), torch.full((1, 1), 2.0)).item()

# %%
print(trained)
'''

QUESTION = SOURCE.replace(
    """# %% tags=["training"]""",
    """# %% question="equal_rows"
# Before you run it: how many rows are alike, and where do they begin and end?
### BEGIN SOLUTION
equal_rows = 3
first, last = 0, 2
### END SOLUTION
# One number each.

# %% check="equal_rows"

# %% tags=["training"]""",
)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(builder, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(builder, "SOLUTIONS", tmp_path / "solutions")
    source = tmp_path / "solutions" / "99_toy.py"
    source.write_text(SOURCE, encoding="utf-8")
    return source


def test_build_writes_both_notebooks_and_a_second_build_changes_no_byte(toy):
    assert build(toy) == ["solutions/99_toy.ipynb", "notebooks/99_toy.ipynb"]
    files = [toy.with_suffix(".ipynb"), builder.NOTEBOOKS / "99_toy.ipynb"]
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    assert build(toy) == [] and out_of_step(toy) == []
    assert before == [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    solution = nbformat.read(files[0], 4)
    assert [o.text for cell in solution.cells if cell.cell_type == "code" for o in cell.outputs] == [
        "✓ weighted_average\n",
        "4.0\n",
        "2.0\n",
    ]
    nbformat.validate(solution)


def test_a_change_of_text_alone_keeps_the_outputs(toy, monkeypatch):
    build(toy)
    before = nbformat.read(toy.with_suffix(".ipynb"), 4)
    monkeypatch.setattr(builder, "execute", lambda *given: pytest.fail("nothing is to be executed"))
    retold = SOURCE.replace("Toy", "Toy, retold").replace("One mix.", "One mix, retold.")
    toy.write_text(retold, encoding="utf-8")
    assert build(toy) == ["solutions/99_toy.ipynb", "notebooks/99_toy.ipynb"] and out_of_step(toy) == []
    after = nbformat.read(toy.with_suffix(".ipynb"), 4)
    assert "retold" in after.cells[0].source
    assert [cell.get("outputs") for cell in after.cells] == [cell.get("outputs") for cell in before.cells]
    toy.write_text(SOURCE.replace("4.0", "9.0"), encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="nothing is to be executed"):
        build(toy)


def test_no_answer_can_be_read_out_of_the_stub(toy):
    text = as_text(stub(load(toy)))
    assert not [part for part in ("secret", "einsum", "SOLUTION", "✓") if part in text]
    cell = next(cell for cell in json.loads(text)["cells"] if cell["id"] == "exercise-weighted_average")
    assert "".join(cell["source"]).endswith('    """One mix."""\n    # YOUR CODE HERE\n    raise NotImplementedError()')


def test_a_question_leaves_the_names_that_want_a_value(toy):
    toy.write_text(QUESTION, encoding="utf-8")
    given = {cell.id: cell for cell in stub(load(toy)).cells}
    assert given["question-equal_rows"].source == (
        "# Before you run it: how many rows are alike, and where do they begin and end?\n"
        "equal_rows = ...\nfirst = ...\nlast = ...\n# One number each."
    )
    assert given["check-equal_rows"].source == 'from lib.checks import check\nequal_rows = check("equal_rows")'


def test_ids_are_stable_when_a_cell_is_put_in(toy):
    before = [cell.id for cell in load(toy).cells]
    toy.write_text(SOURCE.replace("# %%\nprint(w", "# %%\nprint(1)\n\n# %%\nprint(w"), encoding="utf-8")
    after = [cell.id for cell in load(toy).cells]
    assert [one for one in after if one in before] == before and len(after) == len(before) + 1


def test_check_cells_are_locked_and_training_output_is_ignored(toy):
    cells = {cell.id: cell for cell in load(toy).cells}
    metadata = cells["check-weighted_average"].metadata
    assert metadata.check == "weighted_average" and metadata.deletable is metadata.editable is False
    assert "deletable" not in cells["exercise-weighted_average"].metadata
    training = next(cell for cell in cells.values() if cell.source.startswith("trained"))
    assert training.metadata.tags == ["nbval-ignore-output", "training"]


def test_both_notebooks_carry_what_nbgrader_wants(toy):
    toy.write_text(QUESTION.replace("difficulty=1", "difficulty=3"), encoding="utf-8")
    for notebook in (load(toy), stub(load(toy))):
        found = {cell.id: dict(cell.metadata.nbgrader) for cell in notebook.cells if "nbgrader" in cell.metadata}
        answer = {"schema_version": 3, "task": False, "solution": True, "grade": False, "locked": False}
        check = {"schema_version": 3, "task": False, "solution": False, "grade": True, "locked": True}
        assert found == {
            "exercise-weighted_average": answer | {"grade_id": "exercise-weighted_average"},
            "check-weighted_average": check | {"grade_id": "check-weighted_average", "points": 3},
            "question-equal_rows": answer | {"grade_id": "question-equal_rows"},
            "check-equal_rows": check | {"grade_id": "check-equal_rows", "points": 1},
        }


@pytest.mark.parametrize(
    "before, after, complaint",
    [
        ("### BEGIN SOLUTION\nequal", "equal", "question 'equal_rows' has no marked solution"),
        ("equal_rows = 3", "print(3)", "question 'equal_rows' has no line `equal_rows = ...` between its markers"),
        ("equal_rows = 3", "equal_rows[0] = 3", "question 'equal_rows' has no line `equal_rows = ...`"),
    ],
)
def test_a_question_without_a_marked_value_is_refused(toy, before, after, complaint):
    assert before in QUESTION
    toy.write_text(QUESTION.replace(before, after), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(complaint)):
        stub(load(toy))


def test_a_change_of_metadata_alone_keeps_the_outputs(toy, monkeypatch):
    build(toy)
    before = toy.with_suffix(".ipynb").read_text(encoding="utf-8")
    monkeypatch.setattr(builder, "execute", lambda *given: pytest.fail("nothing is to be executed"))
    toy.write_text(SOURCE.replace("difficulty=1", "difficulty=2"), encoding="utf-8")
    assert build(toy) == ["solutions/99_toy.ipynb", "notebooks/99_toy.ipynb"] and out_of_step(toy) == []
    after = toy.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert after == before.replace('"difficulty": 1', '"difficulty": 2').replace('"points": 1', '"points": 2') != before
    toy.write_text(SOURCE.replace(' tags=["training"]', ""), encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="nothing is to be executed"):
        build(toy)


@pytest.mark.parametrize(
    "before, after, complaint",
    [
        ("### BEGIN SOLUTION", "# begin", "exercise 'weighted_average' has no marked solution"),
        ("print(trained)", "### BEGIN SOLUTION\n1\n### END SOLUTION", "markers outside an exercise or a question"),
        ("print(trained)", "import sys; sys.stderr.write('careful')", "writes to stderr: careful"),
        ("print(trained)", "from IPython.display import HTML; HTML('x')", "displays text/html"),
        ("print(trained)", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_build_refuses(toy, before, after, complaint):
    toy.write_text(SOURCE.replace(before, after), encoding="utf-8")
    with pytest.raises(Exception, match=re.escape(complaint)):
        build(toy)
    assert not (builder.NOTEBOOKS / "99_toy.ipynb").exists()


def test_check_notices_every_way_to_be_out_of_step(toy, capsys):
    assert main(["--check"]) == 1
    build(toy)
    assert main(["--check"]) == 0
    stub_path = builder.NOTEBOOKS / "99_toy.ipynb"
    good = stub_path.read_text(encoding="utf-8")
    stub_path.write_text(good + " ", encoding="utf-8")
    assert out_of_step(toy) == ["notebooks/99_toy.ipynb is not built from solutions/99_toy.py"]
    stub_path.write_text(good, encoding="utf-8")
    toy.write_text(SOURCE + "\n# %%\nprint('new')\n", encoding="utf-8")
    assert len(out_of_step(toy)) == 2
    with pytest.raises(SystemExit):
        main(["98"])
    assert "there is no notebook 98" in capsys.readouterr().err


def test_cells_that_wait_for_training_are_left_out(toy):
    kept = [cell.source.splitlines()[0] for cell in untrained_cells(load(toy).cells)]
    assert kept == ["import torch", "def weighted_average(weights, values):", "from lib.checks import check", kept[-1]]
    assert kept[-1].startswith("print(weighted_average")


def test_what_training_would_store_is_missing_too():
    sources = ["bits = {'pairs': 1.2}", "bits['mine'] = best = 0.8", "print(bits['mine'])", "bits = {}", "print(bits)"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[1].metadata.tags = ["training"]
    assert [cell.source for cell in untrained_cells(cells)] == [sources[0], *sources[3:]]


def test_names_bound_and_used():
    function = "def f(x):\n    y = x + outer\n    return nn.Linear(y)"
    tree = parse(f"import torch.nn as nn\n{function}\na, (b, *c) = f(d)\nfor i in e: g = i")
    assert names_bound(tree) == {"nn", "f", "a", "b", "c", "i", "g"}
    assert names_used(tree) >= {"outer", "nn", "d", "e"}
    assert not names_used(tree) & {"x", "y"}
    assert parse("def f(x:") is None


def test_the_committed_notebooks_are_in_step():
    findings = [line for source in sorted(SOLUTIONS.glob("[0-9]*.py")) for line in out_of_step(source)]
    assert not findings, findings
    assert {path.stem for path in SOLUTIONS.glob("*.py")} == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


def test_pictures_are_stored_with_few_colours_and_look_the_same():
    from PIL import Image, ImageChops

    drawn, stored = Image.effect_noise((61, 47), 40).convert("RGBA"), io.BytesIO()
    drawn.save(stored, "PNG")
    small = builder.with_fewer_colours(base64.b64encode(stored.getvalue()).decode())
    picture = Image.open(io.BytesIO(base64.b64decode(small)))
    assert picture.mode == "P" and picture.size == drawn.size
    difference = ImageChops.difference(picture.convert("RGB"), drawn.convert("RGB"))
    assert max(most for _, most in difference.getextrema()) <= 8
