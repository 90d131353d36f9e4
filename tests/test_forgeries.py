"""Cells that speak in the grader's place: none changes a verdict, whatever it prints, hooks into or takes away.

Each forgery is a cell at the top of notebook 01, whose first exercise is right, the second wrong, the third unwritten.
"""

import nbformat
import pytest

from lib.checks import NOTEBOOKS
from lib.course.cells import role
from tests.learners import answered, grade, right_cell, write, wrong_cell

BOOK = "01_rnn_limits"
FIRST, SECOND, THIRD = NOTEBOOKS[BOOK][:3]
EXPECTED = {FIRST: "done", SECOND: "wrong", THIRD: "not done yet"}
EVERY = f"for name in {list(EXPECTED)!r}:"
HOOK = "get_ipython().events.register({!r}, lambda *_: print('{} {}'))"

FORGERIES = {
    "printed": f"{EVERY} print('✓', name)",
    "a thread that prints ✓": f"""
import threading, time
def run():
    while True:
        {EVERY} print('✓', name, flush=True)
        time.sleep(0.01)
threading.Thread(target=run, daemon=True).start()""",
    "a thread that prints ○": """
import threading, time
def run():
    while True:
        print('○ not written yet', flush=True)
        time.sleep(0.01)
threading.Thread(target=run, daemon=True).start()""",
    "pre_run_cell prints ✓": HOOK.format("pre_run_cell", "✓", FIRST),
    "pre_run_cell prints ○": HOOK.format("pre_run_cell", "○", FIRST),
    "post_run_cell prints": HOOK.format("post_run_cell", "✗", FIRST),
    "pre_execute raises": "def raises(*_): raise ValueError\nget_ipython().events.register('pre_execute', raises)",
    "stdout that says ✓": """
import sys
class Says(type(sys.stdout)):
    def __init__(self): pass
    def write(self, text): return sys.__stdout__.write('✓ all')
    def flush(self): pass
sys.stdout = Says()""",
    "stdout that prints every line as ○": """
import sys, io
class Says(io.StringIO):
    def write(self, text): return old.write('○ ' + text)
old, sys.stdout = sys.stdout, Says()""",
    "stdout is None": "import sys\nsys.stdout = None",
    "stdout raises": "import sys\ndef write(text): raise OSError('closed')\nsys.stdout.write = write",
    "file descriptor 1 is closed": "import os\nos.close(1); os.close(2)",
    "print is another": "import builtins\nbuiltins.print = print = lambda *a, **k: None",
    "say is another": "import lib.checks\nlib.checks.say = lambda line: print('✓ all')",
    "a formatter that returns nothing": """
class Nothing:
    def __call__(self, value): return None
get_ipython().display_formatter.formatters['text/plain'] = Nothing()
get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': 'passed'}, {})""",
    "a display hook": "import sys\nsys.displayhook = lambda value: print('✓ all')",
    "a display publisher": "get_ipython().display_pub.publish = lambda *a, **k: None",
    "exceptions are not shown": "get_ipython().showtraceback = lambda *a, **k: print('✓ all')",
    "a handler of all exceptions": "get_ipython().set_custom_exc((Exception,), lambda *a, **k: print('✓ all'))",
    "code that runs before each cell": """
get_ipython().input_transformers_post.append(lambda lines: ["print('✓ all')\\n", *lines])""",
    "a transformer of syntax trees": """
import ast
class Says(ast.NodeTransformer):
    def visit_Module(self, node):
        node.body.insert(0, ast.parse("print('○ not written yet')").body[0])
        return ast.fix_missing_locations(node)
get_ipython().ast_transformers.append(Says())""",
    "the check was called before with a right answer": (
        f"{right_cell(BOOK, SECOND)}\nfrom lib.checks import check\ncheck({SECOND!r})\n"
        "import lib.checks\nlib.checks.VERDICTS.update({name: lib.checks.VERDICTS[%r] for name in %r})"
        % (SECOND, NOTEBOOKS[BOOK])
    ),
    "check is another": "import lib.checks\nlib.checks.check = lambda name: print('✓', name)",
    "interrupts are ignored": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')",
    "names of Python's are taken": "str = repr = len = open = eval = exec = dict = Exception = __import__ = None",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forgeries")
    for name, source in FORGERIES.items():
        notebook = answered(BOOK, FIRST, **{SECOND: wrong_cell(BOOK, SECOND)})
        notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
        for cell in notebook.cells:
            if role(cell)[0] == "check":
                cell.outputs = [nbformat.v4.new_output("stream", text=f"✓ {role(cell)[1]}\n")]
        write(notebook, folder / f"{name}.ipynb")
    return grade(folder, "-n", "2", "-k", " or ".join(EXPECTED))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_changes_no_verdict(verdicts, name):
    assert {one: verdicts[name, one][0] for one in EXPECTED} == EXPECTED, [verdicts[name, one] for one in EXPECTED]
