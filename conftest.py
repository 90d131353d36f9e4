"""Loads the course's grading for `pytest --nbval` (see lib/course/grading.py)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["lib.course.grading"]
