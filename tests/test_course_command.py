"""`python3 course.py` sets itself up once, passes its arguments on, and says in a sentence what keeps it from that."""

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from types import SimpleNamespace

import pytest

import course
from lib.course import commands, environment, placing
from lib.course.cells import ROOT
from lib.course.programs import Stop, reason, step_of
from tests.course_tree import PLAIN_PYTHON, make_tree, plain_environ, run_course, write_wheel


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A small course in a folder with spaces and other letters, set up by its first `check`."""
    tree = make_tree(
        tmp_path_factory.mktemp("kurs") / "ü x" / "курс ✓", "./small_thing-1.0-py3-none-any.whl  # a comment"
    )
    write_wheel(tree, "small_thing")
    return tree


@pytest.fixture(scope="module")
def first_run(tree):
    return run_course(tree, "check", "4", "-x", cwd=tree.parent)


def one_sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


# ---------------------------------------------------------------------------------------------------------- set-up


def test_the_first_run_sets_up_and_hands_over(tree, first_run):
    assert first_run.returncode == 3, first_run.stderr  # the status of the stand-in for pytest
    assert "some minutes" in first_run.stdout and "installing 1 package" in first_run.stdout
    told = first_run.stdout.splitlines()[-1]
    assert told.startswith(str(["--nbval", os.path.join("notebooks", "04_small.ipynb"), "-p"])[:-1])
    assert told.endswith(f", '-x'] {tree} PASSIVE")
    python = environment.python_of(tree / ".venv")
    answer = subprocess.run(
        [python, "-c", "import small_thing; print(small_thing.answer)"], capture_output=True, text=True
    )
    assert answer.stdout.strip() == "42"
    assert not (tree / ".venv" / environment.HALF_MADE).exists()


def test_the_second_run_starts_at_once(tree, first_run):
    pip = environment.python_of(tree / ".venv").parent.parent
    marker = pip / environment.MARKER
    before = marker.stat().st_mtime_ns
    done = run_course(tree, "check")
    assert done.returncode == 3
    assert done.stdout.count("\n") == 1, "nothing but what pytest prints"
    assert marker.stat().st_mtime_ns == before


def test_new_requirements_are_installed(tree, first_run):
    old = (tree / "requirements.txt").read_text(encoding="utf-8")
    write_wheel(tree, "other_thing")
    (tree / "requirements.txt").write_text(old + "./other_thing-1.0-py3-none-any.whl\n", encoding="utf-8")
    done = run_course(tree, "status")
    assert "up to date" in done.stdout and "some minutes" not in done.stdout
    python = environment.python_of(tree / ".venv")
    assert subprocess.run([python, "-c", "import other_thing, small_thing"]).returncode == 0


def test_a_failed_upgrade_keeps_the_environment(tree, first_run):
    old = (tree / "requirements.txt").read_text(encoding="utf-8")
    (tree / "requirements.txt").write_text(old + "a-package-of-the-future\n", encoding="utf-8")
    try:
        assert "no network" in one_sentence(run_course(tree, "check"))
    finally:
        (tree / "requirements.txt").write_text(old, encoding="utf-8")
    assert not (tree / ".venv" / environment.HALF_MADE).exists()
    assert "small_thing.py" in [path.name for path in (tree / ".venv").rglob("small_thing.py")]
    assert run_course(tree, "check").returncode == 3


def test_a_moved_course_still_works(tree, first_run):
    moved = tree.parent / "moved here"
    tree.rename(moved)
    try:
        done = run_course(moved, "check")
        assert (done.returncode, "some minutes" in done.stdout) == (3, False), done.stderr
        assert json.loads((moved / ".venv" / environment.MARKER).read_text())["root"] == str(moved)
    finally:
        moved.rename(tree)


def test_an_active_environment_is_used(tree, first_run, tmp_path):
    other = make_tree(tmp_path / "other")
    done = run_course(other, "check", VIRTUAL_ENV=str(tree / ".venv"))
    assert done.returncode == 3, done.stderr
    assert f"in the active environment {tree / '.venv'}" in done.stdout
    assert not (other / ".venv").exists()


PROJECT = """
[build-system]
requires = []
build-backend = "build"
backend-path = ["."]
[project]
name = "transformer-course"
version = "1.0"
[project.optional-dependencies]
test = ["./small_thing-1.0-py3-none-any.whl"]
"""
BUILD = '''"""The smallest build backend: an editable install is a path in a .pth file."""
import pathlib, zipfile
def build_editable(folder, settings=None, metadata=None):
    name, about = "transformer_course-1.0-py3-none-any.whl", "transformer_course-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("course.pth", str(pathlib.Path(__file__).parent))
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: transformer-course\\nVersion: 1.0\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return name
'''


def make_clone(folder, *more):
    """The small course as one that installs itself, and whose pytest says where it takes `lib` from."""
    clone = make_tree(folder, "\n".join(["-e .", *more]))
    (clone / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (clone / "build.py").write_text(BUILD, encoding="utf-8")
    (clone / "pytest.py").write_text("import lib; print(lib.__file__)", encoding="utf-8")
    write_wheel(clone, "small_thing")
    return clone


def imported(python, folder):
    """Where a plain Python of the environment, started in a folder, takes `lib` from."""
    asked = [python, "-c", "import sys; sys.path.remove(''); import lib; print(lib.__file__)"]
    done = subprocess.run(asked, cwd=folder, env=plain_environ(), capture_output=True, encoding="utf-8")
    return done.stdout.strip()


@pytest.mark.parametrize("by", ["course.py", "pip"])
def test_two_clones_with_one_environment_use_their_own_lib(tmp_path, by):
    """The one that came first stays installed; the other says nothing, installs what is missing, and finds its own."""
    one, two = make_clone(tmp_path / "ü 1"), make_clone(tmp_path / "ü 2", "./small_thing-1.0-py3-none-any.whl")
    subprocess.run([PLAIN_PYTHON, "-m", "venv", tmp_path / "shared"], check=True)
    python, active = environment.python_of(tmp_path / "shared"), {"VIRTUAL_ENV": str(tmp_path / "shared")}
    if by == "pip":
        subprocess.run([python, "-m", "pip", "install", "-q", "-e", "."], cwd=one, env=plain_environ(), check=True)
    assert environment.installed(python) == (str(one) if by == "pip" else "")
    for clone in (one, two, one, two):
        done = run_course(clone, "check", **active)
        assert done.stdout.splitlines()[-1] == str(clone / "lib" / "__init__.py"), done.stderr
        assert imported(python, tmp_path) == str(one / "lib" / "__init__.py")
    assert environment.installed(python) == str(one)
    assert subprocess.run([python, "-c", "import small_thing"], cwd=tmp_path).returncode == 0

    one.rename(tmp_path / "away")  # the first has gone: the environment is the second's now
    assert run_course(two, "check", **active).returncode == 0
    assert environment.installed(python) == str(two)


def test_what_tests_need_is_installed_without_the_clone(tmp_path, monkeypatch):
    installed = []
    clone = make_clone(tmp_path / "clone")
    monkeypatch.setattr(environment, "ROOT", clone)
    monkeypatch.setattr(environment, "pip", lambda python, arguments: installed.extend(arguments))
    environment.install(sys.executable, with_lib=False, groups=["test"])
    assert installed == ["./small_thing-1.0-py3-none-any.whl"]


def test_the_packages_are_those_of_pyproject_and_lib_comes_last(tmp_path, monkeypatch):
    """One list: what `pip install .` brings is what course.py and `pip install -r requirements.txt` bring."""
    listed = environment.requirements()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert listed == [*declared, "-e ."] and "torch==2.13.0" in listed
    installed = []
    monkeypatch.setattr(environment, "pip", lambda python, arguments: installed.append(arguments))
    monkeypatch.delenv(environment.TORCH_INDEX, raising=False)
    environment.install(sys.executable, with_lib=True, groups=[])
    environment.install(sys.executable, with_lib=False, groups=[])
    assert installed == [[*declared, "-e", "."], declared]
    monkeypatch.setenv(environment.TORCH_INDEX, "https://index.example/cpu")
    environment.install(sys.executable, with_lib=True, groups=[])
    assert installed[2:] == [["torch==2.13.0", "--extra-index-url", "https://index.example/cpu"], installed[0]]
    monkeypatch.setattr(environment, "ROOT", make_tree(tmp_path / "tree", "some-package"))
    assert environment.requirements() == ["some-package"], "a course without pyproject.toml"


def test_an_interrupted_set_up_is_repaired(tmp_path):
    tree = make_tree(tmp_path / "tree")
    half = tree / ".venv"
    (half / "lib").mkdir(parents=True)
    (half / "lib" / "half a package").write_text("")
    (half / environment.HALF_MADE).write_text("")
    done = run_course(tree, "check")
    assert done.returncode == 3, done.stderr
    assert ".venv is not complete: making it again" in done.stdout
    assert not (half / "lib" / "half a package").exists()
    assert environment.recorded(half)["root"] == str(tree)


def test_no_network_on_first_use_leaves_nothing_behind(tmp_path):
    tree = make_tree(tmp_path / "tree", "some-package==1.0")
    assert "no network" in one_sentence(run_course(tree, "lab", "4"))
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("not created successfully because ensurepip is not available.", "sudo apt install python3-venv"),
    ],
)
def test_when_the_environment_cannot_be_made(tmp_path, says, sentence):
    tree = make_tree(tmp_path / "tree")
    (tree / "venv.py").write_text(f"print({says!r}); raise SystemExit(1)")  # runs in place of Python's own
    assert sentence in one_sentence(run_course(tree, "check"))
    assert not (tree / ".venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals and named pipes are POSIX's")
def test_ctrl_c_during_set_up(tmp_path):
    tree = make_tree(tmp_path / "tree")
    os.mkfifo(tree / "started")
    (tree / "venv.py").write_text("import signal\nopen('started', 'w').close()\nsignal.pause()\n")
    command = [PLAIN_PYTHON, str(tree / "course.py"), "lab", "4"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=plain_environ()
    ) as run:
        (tree / "started").read_text()  # waits until venv runs
        run.send_signal(signal.SIGINT)
        stderr = run.communicate()[1]
    assert (run.returncode, stderr.strip()) == (130, "Stopped.")
    assert not (tree / ".venv").exists()


def test_a_file_in_the_environments_place(tmp_path):
    tree = make_tree(tmp_path / "tree")
    (tree / ".venv").write_text("mine")
    assert "is not a folder" in one_sentence(run_course(tree, "check"))
    assert (tree / ".venv").read_text() == "mine"


def test_a_folder_of_the_learners_in_the_environments_place(tmp_path):
    tree = make_tree(tmp_path / "tree")
    (tree / ".venv").mkdir()
    (tree / ".venv" / "notes.txt").write_text("mine")
    assert "something other than a Python environment" in one_sentence(run_course(tree, "check"))
    assert (tree / ".venv" / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "is_writable", lambda folder: False)
    with pytest.raises(Stop, match="cannot be written to: copy the course"):
        environment.set_up(tmp_path / ".venv", {"groups": []}, never_finished=True, is_ours=True)
    assert not (tmp_path / ".venv").exists()


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1.9e9))
    for platform, needed in (("linux", "5.5 GB"), ("win32", "2 GB"), ("darwin", "2 GB")):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.delenv(environment.TORCH_INDEX, raising=False)
        with pytest.raises(Stop, match=f"set-up needs {needed} in .*, and 1.9 GB are free") as stop:
            environment.refuse_to_make(tmp_path / ".venv")
        assert ("COURSE_TORCH_INDEX (see the README) 2 GB do" in str(stop.value)) == (platform == "linux")
        assert needed in (ROOT / "README.md").read_text(encoding="utf-8")
        monkeypatch.setenv(environment.TORCH_INDEX, "https://example.org")
        with pytest.raises(Stop, match="set-up needs 2 GB"):
            environment.refuse_to_make(tmp_path / ".venv")


def test_whether_a_folder_can_be_written_to(tmp_path):
    assert environment.is_writable(tmp_path)
    assert not environment.is_writable(tmp_path / "missing")


def test_two_windows_do_not_set_up_at_once(tmp_path):
    with (
        environment.only_one_set_up(tmp_path),
        pytest.raises(Stop, match="another window"),
        environment.only_one_set_up(tmp_path),
    ):
        pass
    with environment.only_one_set_up(tmp_path):
        pass


def test_a_set_up_leaves_no_lock_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), environment.only_one_set_up(tmp_path):
        assert len(list(tmp_path.iterdir())) == 1
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there, a file that is open cannot be taken away")
def test_a_lock_that_was_taken_away_is_none(tmp_path, monkeypatch):
    """A second window opened the file before the first one ended, and locks it after: a third must not get in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first, lock = environment.only_one_set_up(tmp_path), environment.lock
    first.__enter__()

    def late(file):
        monkeypatch.setattr(environment, "lock", lock)
        first.__exit__(None, None, None)
        return lock(file)

    monkeypatch.setattr(environment, "lock", late)
    with (
        environment.only_one_set_up(tmp_path),
        pytest.raises(Stop, match="another window"),
        environment.only_one_set_up(tmp_path),
    ):
        pass


def test_an_environment_with_an_old_python(monkeypatch):
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    with pytest.raises(
        Stop, match=rf"is Python 3\.{sys.version_info.minor}, and the course needs 99\.0 or newer: deactivate"
    ):
        environment.check(sys.executable, "deactivate it")


def test_an_environment_without_pip(tmp_path):
    python = environment.python_of(tmp_path)
    subprocess.run([PLAIN_PYTHON, "-m", "venv", "--without-pip", tmp_path], check=True)
    assert environment.has_pip(python), "it is given one"
    assert not environment.has_pip(tmp_path / "missing")


def test_condas_base_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "base")
    assert environment.active_environment() is None
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "course")
    assert environment.active_environment() == tmp_path
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "deleted"))
    assert environment.active_environment() == tmp_path


# ------------------------------------------------------------------------------------------------- what went wrong


def test_an_old_python_is_told_so():
    assert course.too_old((3, 11, 0), "python3") == "" == course.too_old((4, 0), "python3")
    for version in ((2, 7, 18), (3, 6, 15), (3, 10, 13)):
        sentence = course.too_old(version, "/usr/bin/python3")
        assert f"/usr/bin/python3 is Python {version[0]}.{version[1]}" in sentence and "3.11 or newer" in sentence


def test_every_python_can_read_the_command():
    tree = ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Starred, ast.Nonlocal)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [one.name for one in functions if one.returns or any(a.annotation for a in one.args.args)]
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"os", "sys"} and not [node for node in tree.body if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("WARNING: NewConnectionError(...)\nERROR: No matching distribution found for torch==2.13.0", "no network"),
        ("Temporary failure in name resolution", "no network"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", "cannot be written"),
        ("ERROR: No matching distribution found for torch==2.13.0", "pip finds no torch==2.13.0 for Python 3"),
        ("Collecting a\nERROR: the wheel is broken\nsee the log", "failed: ERROR: the wheel is broken"),
    ],
)
def test_a_failure_of_pip_becomes_one_sentence(output, sentence):
    assert sentence in reason(output, "Installing")
    assert "\n" not in reason(output, "Installing")


def test_pips_lines_become_steps():
    assert step_of("Collecting numpy<3,>=2.0 (from -r x)") == "looking up numpy"
    assert step_of("  Downloading torch-2.13.0-cp311-none-any.whl (888.1 MB)") == "downloading torch (888.1 MB)"
    assert step_of("Installing collected packages: a, b, c") == "installing 3 packages"
    assert (
        step_of("WARNING: Retrying (Retry(total=4)) after connection broken")
        == "no answer from the network: trying again"
    )
    assert step_of("Requirement already satisfied: numpy in /x") == ""


@pytest.mark.parametrize("command", ["lab", "check", "reset"])
def test_an_unknown_notebook(tmp_path, command):
    tree = make_tree(tmp_path / "tree")
    done = run_course(tree, command, "42")
    assert one_sentence(done) == "There is no notebook 42: the course has 04 to 04."
    assert done.returncode == 2
    assert not (tree / ".venv").exists(), "known before anything is installed"


def test_an_unknown_command_on_a_console_of_another_encoding(tmp_path):
    tree = make_tree(tmp_path / "tree")
    done = run_course(tree, "✓", PYTHONIOENCODING="cp1252")
    assert done.returncode == 2
    assert "There is no command ✓." in done.stderr and "course.py lab [NN]" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_names_every_command(tmp_path, arguments):
    done = run_course(make_tree(tmp_path / "tree"), *arguments)
    assert done.returncode == 0
    assert all(f"course.py {command}" in done.stdout for command in commands.COMMANDS)


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_every_command_has_help_and_does_nothing_then(tmp_path, command):
    tree = make_tree(tmp_path / "tree")
    before = sorted(tree.rglob("*"))
    for arguments in (["--help"], ["04", "-h"]):
        done = run_course(tree, command, *arguments)
        assert (done.returncode, done.stderr) == (0, "") and f"course.py {command}" in done.stdout
    assert sorted(tree.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["update", "--now"], ["reset", "--all"], ["reset", "04", "-f"], ["test", "-x"]])
def test_an_unknown_option_is_named(tmp_path, arguments):
    tree = make_tree(tmp_path / "tree")
    done = run_course(tree, *arguments)
    assert f"`course.py {arguments[0]}` has no option {arguments[-1]}" in one_sentence(done)
    assert done.returncode == 2 and not (tree / ".venv").exists()
    assert "say no more than that" in one_sentence(run_course(tree, "update", "04"))


def test_an_update_without_git_changes_nothing(tmp_path):
    tree = make_tree(tmp_path / "tree")
    assert "was not made by `git clone`" in one_sentence(run_course(tree, "update"))


# ---------------------------------------------------------------------------------------------------- the commands


def test_lab_opens_the_notebook_with_the_course_as_its_root(tree, first_run, tmp_path):
    done = run_course(tree, "lab", "04", "--no-browser", "--port", "9999", cwd=tmp_path)
    assert done.returncode == 3
    told = done.stdout.splitlines()[-1]
    opened = [f"--ServerApp.root_dir={tree}", "--LabApp.default_url=/lab/tree/notebooks/04_small.ipynb"]
    assert told.startswith(str([*opened, "--no-browser", "--port", "9999"])[:-1])


def test_notebooks_are_found_by_number_and_by_path(tree, monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "ROOT", tree)
    notebook = tree / "notebooks" / "04_small.ipynb"
    monkeypatch.chdir(tmp_path)
    for asked in ("4", "04", "notebooks/04_small.ipynb", "04_small.ipynb", str(notebook)):
        assert commands.notebook(asked) == notebook
    (tmp_path / "04_mine.ipynb").write_text("{}")
    assert commands.notebook("04_mine.ipynb") == tmp_path / "04_mine.ipynb"
    for asked in ("", "5", "4x", "004", "requirements.txt", "04_gone.ipynb"):
        with pytest.raises(Stop, match="There is no notebook"):
            commands.notebook(asked)


def test_the_exact_name_wins_and_a_renamed_notebook_is_found(tmp_path, monkeypatch, capsys):
    tree = make_tree(tmp_path / "tree")
    monkeypatch.setattr(commands, "ROOT", tree)
    monkeypatch.setattr(placing, "SOLUTIONS", tree / "solutions")
    placing.given.cache_clear()
    exact, copy = tree / "notebooks" / "04_small.ipynb", tree / "notebooks" / "04_small-Copy1.ipynb"
    copy.write_bytes(exact.read_bytes())
    assert commands.notebook("4") == exact and commands.all_notebooks() == [exact]
    exact.unlink()
    copy.rename(tree / "notebooks" / "ada.ipynb")
    assert commands.notebook("4") == tree / "notebooks" / "ada.ipynb"
    assert capsys.readouterr().out == "notebooks/04_small.ipynb is not there; ada.ipynb holds it.\n"
    (tree / "notebooks" / "ada.ipynb").unlink()
    with pytest.raises(Stop, match=r"04_small\.ipynb is not there: `python3 course.py reset 04` makes it new"):
        commands.notebook("4")
    placing.given.cache_clear()


@pytest.mark.parametrize("arguments", [["status", "--all"], ["status", "04"]])
def test_status_takes_nothing(tmp_path, arguments):
    assert "`course.py status`" in one_sentence(run_course(make_tree(tmp_path / "tree"), *arguments))


def test_check_takes_a_path_or_a_folder_outside_of_the_course(tree, first_run, tmp_path):
    hand_ins = tmp_path / "hand-ins"
    hand_ins.mkdir()
    (hand_ins / "04_mine.ipynb").write_text("{}")
    done = run_course(tree, "check", "04_mine.ipynb", cwd=hand_ins)
    assert f"['--nbval', '{hand_ins / '04_mine.ipynb'}', '-p', 'lib.course.grading'" in done.stdout
    done = run_course(tree, "check", "hand-ins", cwd=tmp_path)
    assert f"['--nbval', '{hand_ins}', '-p', 'lib.course.grading'" in done.stdout


@pytest.mark.parametrize("failing", [None, 1, 5])
def test_test_runs_everything_and_fails_when_anything_does(monkeypatch, capsys, failing):
    ran = []
    monkeypatch.setattr(commands, "environment", lambda group: sys.executable)
    monkeypatch.setattr(commands, "run", lambda python, module: ran.append(module) or int(len(ran) - 1 == failing))
    assert commands.test([]) == int(failing is not None)
    assert ran == [module for _, module in commands.TESTS.values()]
    modules = [module[0] for module in ran]
    assert modules == ["lib.downloads", "lib.course.build", "pytest", "lib.course.selfcheck", "ruff", "ruff", "pytest"]
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines[-8:-1]] == ["✗" if i == failing else "✓" for i in range(7)]
    assert lines[-1] == ("all 7 passed" if failing is None else "1 of 7 failed")


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("stage", [*commands.TESTS, *commands.PARTS])
def test_a_stage_can_be_run_alone(monkeypatch, capsys, stage, failing):
    ran = []
    monkeypatch.setattr(commands, "environment", lambda group: sys.executable)
    monkeypatch.setattr(commands, "run", lambda python, module: ran.append(module) or int(failing))
    assert commands.test([stage]) == int(failing)
    what, module = (commands.TESTS | commands.PARTS)[stage]
    assert ran == [module]
    lines = capsys.readouterr().out.splitlines()
    assert f"[1 of 1] {what}: python -m {module[0]}" in lines[1]
    assert lines[-1].startswith(f"{'✗' if failing else '✓'} {what}")


@pytest.mark.parametrize(("words", "module"), [([], ["--all"]), (["minilm"], ["minilm"])])
def test_fetch_brings_what_is_named_or_everything(monkeypatch, words, module):
    monkeypatch.setattr(commands, "environment", lambda: sys.executable)
    monkeypatch.setattr(commands, "hand_over", lambda python, arguments: arguments)
    assert commands.fetch(words) == ["lib.downloads", *module]


def test_several_stages_run_in_the_order_they_are_named_each_once(monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(commands, "environment", lambda group: sys.executable)
    monkeypatch.setattr(commands, "run", lambda python, module: ran.append(module[0]) or 0)
    assert commands.test(["ruff", "build", "ruff"]) == 0
    assert ran == ["ruff", "lib.course.build"] and capsys.readouterr().out.endswith("all 2 passed\n")


def test_the_usage_names_every_stage_and_an_unknown_one_is_told_so(tmp_path):
    assert all(stage in course.__doc__.split("The stages of `test`: ")[1] for stage in commands.TESTS)
    assert all(stage in course.__doc__ for stage in commands.PARTS)
    done = run_course(make_tree(tmp_path / "tree"), "test", "build", "speed")
    stages = "models, build, solutions, notebooks, ruff, format, tests, graders"
    assert one_sentence(done) == f"There is no stage speed of the tests: there are {stages}."
    assert done.returncode == 2 and not (tmp_path / "tree" / ".venv").exists()


def test_what_stages_run_is_there():
    for _, module in (commands.TESTS | commands.PARTS).values():
        assert importlib.util.find_spec(module[0])
        paths = [part for part in module[1:] if part.startswith(("tests", "solutions"))]
        assert all((ROOT / path).exists() for path in paths)


def test_ci_runs_the_same_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert "exec python3 course.py test" in script and os.access(ROOT / ".ci" / "run", os.X_OK)
