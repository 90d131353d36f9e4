"""Loads the course's grading for `pytest --nbval` (see lib/course/grading.py)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["lib.course.grading"]
collect_ignore = [] if "COURSE_BROWSER" in os.environ else ["tests/browser"]  # needs Chromium: on request
