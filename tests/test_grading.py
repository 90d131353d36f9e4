"""`pytest --nbval` on notebooks as learners really leave them: every scenario is one notebook, graded in one run.

Each starts from notebook 01 with all exercises solved; what is done to it concerns its second exercise, unless it says
otherwise, and must not touch the verdict on the others.
"""

import copy
import re

import nbformat
import pytest

from lib.checks import NOTEBOOKS
from lib.course.cells import role
from tests.learners import answered, cell_of, grade, right_cell, solution, untouched, write, wrong_cell

BOOK = "01_rnn_limits"
NAMES = NOTEBOOKS[BOOK]
FIRST, SECOND, THIRD = NAMES[:3]
LIMIT = 12  # seconds a cell, so that endless loops end soon; loading torch on a busy machine takes several
DONE = dict.fromkeys(NAMES, "done")

SCENARIOS = {}  # name: (the notebook, the expected status by exercise, a piece of what is said of the second exercise)


def scenario(said: str = "", **expected: str):
    """Register a function that makes a notebook; by default everything in it is done."""

    def add(make):
        SCENARIOS[make.__name__] = (make, {**DONE, **expected}, said)
        return make

    return add


def second_is(status: str) -> dict[str, str]:
    return {SECOND: status}


def all_done(**sources: str):
    return answered(BOOK, *NAMES, **sources)


def place(notebook, name: str, kind: str = "exercise") -> int:
    return next(i for i, cell in enumerate(notebook.cells) if role(cell) == (kind, name))


def code(source: str, **metadata):
    return nbformat.v4.new_code_cell(source, metadata=metadata)


@scenario(**dict.fromkeys(NAMES, "not done yet"))
def nothing_is_written():
    return untouched(BOOK)


@scenario()
def everything_is_solved():
    return all_done()


@scenario()
def the_whole_solution_notebook_was_pasted():
    return solution(BOOK)


@scenario(**{name: "not done yet" for name in NAMES if name != SECOND})
def only_the_second_is_solved():
    return answered(BOOK, SECOND)


@scenario(**dict.fromkeys(NAMES, "wrong"))
def all_are_wrong_and_each_is_told_so():
    return answered(BOOK, **{name: wrong_cell(BOOK, name) for name in NAMES})


@scenario("endless loop", **second_is("wrong"))
def an_endless_loop():
    return all_done(**{SECOND: f"def {SECOND}(*given):\n    while True:\n        pass"})


@scenario("endless loop", **second_is("wrong"))
def an_endless_loop_while_defining():
    return all_done(**{SECOND: "while True:\n    pass"})


@scenario("endless loop", **second_is("wrong"))
def an_endless_loop_that_swallows_the_interrupt():
    loop = f"def {SECOND}(*given):\n    while True:\n        try:\n            while True: pass\n        except: pass"
    return all_done(**{SECOND: loop})


@scenario("Python itself died", **second_is("wrong"))
def a_kernel_that_dies():
    return all_done(**{SECOND: f"import os\ndef {SECOND}(*given):\n    os._exit(9)"})


@scenario()
def an_own_cell_that_kills_the_kernel():
    notebook = all_done()
    notebook.cells.insert(place(notebook, SECOND), code("import os; os._exit(9)"))
    return notebook


@scenario(**second_is("wrong"))
def an_allocation_of_ten_gigabytes():
    return all_done(**{SECOND: f"def {SECOND}(*given):\n    return bytearray(10 * 2**30)"})


@scenario("SyntaxError", **second_is("wrong"))
def a_syntax_error():
    return all_done(**{SECOND: f"def {SECOND}(x:\n    return x"})


@scenario("NameError", **second_is("wrong"))
def a_name_that_does_not_exist():
    return all_done(**{SECOND: f"def {SECOND}(*given):\n    return nothing_of_that_name"})


@scenario(**second_is("not done yet"))
def the_exercise_cell_was_deleted():
    notebook = all_done()
    del notebook.cells[place(notebook, SECOND)]
    return notebook


@scenario(**second_is("not done yet"))
def the_exercise_cell_is_empty():
    return all_done(**{SECOND: ""})


@scenario()
def all_cells_in_reverse_order():
    notebook = all_done()
    notebook.cells.reverse()
    return notebook


@scenario()
def the_exercise_cell_was_split_in_two():
    notebook = all_done()
    at = place(notebook, SECOND)
    head, _, body = right_cell(BOOK, SECOND).partition("\n")
    metadata = dict(notebook.cells[at].metadata)
    halves = [code("import math as unused", **metadata), code(f"{head}\n{body}", **metadata)]
    notebook.cells[at : at + 1] = halves
    return notebook


@scenario()
def the_exercise_cell_was_merged_with_its_check():
    notebook = all_done()
    at, check = place(notebook, SECOND), cell_of(notebook, "check", SECOND)
    notebook.cells.remove(check)
    merged = code(f"{notebook.cells[at].source}\n\n{check.source}", **notebook.cells[at].metadata)
    notebook.cells[at] = merged
    return notebook


@scenario()
def an_own_cell_that_never_ends():
    notebook = all_done()
    notebook.cells.insert(place(notebook, SECOND), code("while True: pass"))
    return notebook


@scenario()
def a_helper_in_a_cell_above_and_notes_that_fail():
    notebook = all_done()
    at = place(notebook, SECOND)
    body = right_cell(BOOK, SECOND)
    cells = ["def my_helper(x):\n    return x", "1 / 0", "%%time\nprint('a magic')", "import time; time.sleep(100)"]
    notebook.cells[at].source = f"assert my_helper(1) == 1\n{body}"
    notebook.cells[at:at] = map(code, cells)
    return notebook


@scenario(**{FIRST: "wrong"})
def a_helper_above_is_still_there_after_the_kernel_died():
    notebook = all_done(**{FIRST: f"import os\ndef {FIRST}(*given):\n    os._exit(9)"})
    notebook.cells.insert(1, code("def my_helper(x):\n    return x"))
    cell_of(notebook, "exercise", SECOND).source = f"assert my_helper(1) == 1\n{right_cell(BOOK, SECOND)}"
    return notebook


@scenario()
def ids_were_lost():
    notebook = all_done()
    for cell in notebook.cells:
        cell.id = nbformat.v4.new_code_cell().id
    return notebook


@scenario()
def ids_and_metadata_were_lost():
    notebook = all_done()
    for cell in notebook.cells:
        cell.id, cell.metadata = nbformat.v4.new_code_cell().id, nbformat.from_dict({})
    return notebook


@scenario()
def the_exercise_is_a_text_cell_now():
    notebook = all_done()
    at = place(notebook, SECOND)
    cell = notebook.cells[at]
    notebook.cells[at] = nbformat.v4.new_markdown_cell(cell.source, metadata=cell.metadata, id=cell.id)
    return notebook


@scenario()
def names_were_redefined():
    notebook = all_done()
    spoil = "lib = check = None\nprint = input = lambda *a, **b: None\nimport builtins; builtins.print = print"
    notebook.cells.insert(place(notebook, SECOND, "check") + 1, code(spoil))
    return notebook


@scenario(**{FIRST: "wrong"})
def a_wrong_answer_that_spoils_what_the_next_cells_need():
    spoil = f"import torch\n{FIRST} = 3\ntorch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
    return all_done(**{FIRST: spoil + "import random as math\ndel torch.Tensor.softmax"})


@scenario()
def a_given_cell_was_edited_and_fails():
    notebook = all_done()
    given = next(cell for cell in notebook.cells if cell.cell_type == "code" and not role(cell)[0])
    given.source = "import nothing_of_that_name\n" + given.source
    return notebook


@scenario()
def the_notebook_names_a_kernel_that_is_not_there():
    notebook = all_done()
    notebook.metadata.kernelspec = {"name": "somebodys-conda", "display_name": "x", "language": "python"}
    return notebook


@scenario()
def prints_and_plots_in_an_answer():
    source = right_cell(BOOK, SECOND)
    indented = re.search(r"\n( +)### BEGIN", source)[1]
    chatty = f"import matplotlib.pyplot as plt; print('here'); plt.plot([1, 2]); display('x')\n{indented}### BEGIN"
    return all_done(**{SECOND: source.replace("### BEGIN", chatty, 1)})


@scenario(**second_is("not done yet"))
def an_older_build_of_the_course():
    """Other ids, other given cells, and an exercise that had another name then."""
    notebook = all_done()
    for cell in notebook.cells:
        cell.id = nbformat.v4.new_code_cell().id
    notebook.cells[3:3] = [code("an_old_given_cell = 1"), nbformat.v4.new_markdown_cell("# Old text")]
    cell = cell_of(notebook, "exercise", SECOND)
    cell.metadata.exercise, cell.source = "an_old_name", "def an_old_name():\n    return 1"
    return notebook


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions of class 3b")
    for name, (make, _, _) in SCENARIOS.items():
        write(copy.deepcopy(make()), folder / f"{BOOK[:2]}_{name} (1).ipynb")
    whole = nbformat.writes(all_done())
    write(f"<<<<<<< HEAD\n{whole}", folder / "01_merge_markers.ipynb")
    write(whole[: len(whole) // 2], folder / "01_truncated.ipynb")
    write("", folder / "01_empty.ipynb")
    write('{"not": "a notebook"}', folder / "01_other_json.ipynb")
    return grade(folder, f"--nbval-cell-timeout={LIMIT}", "-n", "2")


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(verdicts, name):
    _, expected, said = SCENARIOS[name]
    found = {exercise: verdicts[f"01_{name} (1)", exercise] for exercise in NAMES}
    assert {exercise: status for exercise, (status, _) in found.items()} == expected, found
    assert said in found[SECOND][1]


@pytest.mark.parametrize("name", ["merge_markers", "truncated", "empty", "other_json"])
def test_a_file_that_is_no_notebook_is_said_so_and_the_others_are_graded(verdicts, name):
    status, text = verdicts[f"01_{name}", "the file"]
    assert status == "not graded" and text.startswith("cannot be read as a notebook: ")
    assert ("a git merge damaged it" in text) == (name == "merge_markers")


def test_the_table_and_the_exit_status(verdicts):
    status, output = verdicts["", "output"]
    assert status == "1"
    assert f"01_everything_is_solved (1).ipynb: {len(NAMES)} of {len(NAMES)} done, as saved at" in output
    assert f" ○ {FIRST}  not written yet" in output and f" ✓ {FIRST}" in output
    assert f" ✓ {SECOND}  (one of your own cells was stopped after 10 s)" in output
    assert "FAILURES" not in output and "Traceback" not in output


def test_exit_status_is_zero_when_all_is_done_and_options_behave(tmp_path):
    write(all_done(), tmp_path / "01_done.ipynb")
    assert grade(tmp_path, "--nbval-lax")["", "output"][0] == "0"
    chosen = grade(tmp_path, "-k", THIRD)
    assert set(chosen) == {("01_done", THIRD), ("", "output")} and chosen["01_done", THIRD][0] == "done"
    write(answered(BOOK, FIRST), tmp_path / "01_done.ipynb")
    stopped = grade(tmp_path, "-x")
    assert set(stopped) == {("01_done", FIRST), ("01_done", SECOND), ("", "output")}
    shared = grade(tmp_path, "-n", "2")
    assert [shared["01_done", name][0] for name in NAMES] == ["done", *["not done yet"] * (len(NAMES) - 1)]
