"""A class under nbgrader, on the course's own notebooks. In the course's folder:

    nbgrader generate_assignment solutions       writes release/solutions/: what the class gets
    nbgrader autograde solutions                 judges submitted/NAME/solutions/*.ipynb
    nbgrader generate_feedback solutions         writes feedback/NAME/solutions/*.html

`--notebook="04_*"` limits each to some notebooks. See lib/course/classroom.py.
"""

import os
import sys
from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, Execute

sys.path.insert(0, str(Path(__file__).parent))
# nbgrader calls alembic by its name, also where the environment is not activated
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])

from lib.course.classroom import Judged, Restored, Unwritten

c = get_config()  # noqa: F821
c.CourseDirectory.source_directory = "."  # the assignment is the folder solutions/
# the sources hold the answers
c.CourseDirectory.ignore = ["*.py", "*.toml", "__pycache__", ".ipynb_checkpoints", ".ruff_cache"]


def replaced(steps, old, new):
    return [new if step is old else step for step in steps]


c.GenerateAssignment.preprocessors = replaced(GenerateAssignment.preprocessors.default(), ClearSolutions, Unwritten)
c.Autograde.sanitize_preprocessors = [Restored, *Autograde.sanitize_preprocessors.default()]
c.Autograde.autograde_preprocessors = replaced(Autograde.autograde_preprocessors.default(), Execute, Judged)

c.Execute.timeout = 120  # seconds a cell, as in `course.py check`
c.Execute.iopub_timeout = 60  # a busy machine is nobody's mistake
