"""Loads the course's grading for `pytest --nbval` (see lib/course/grading.py)."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a script: time limits need it
    signal.signal(signal.SIGINT, signal.default_int_handler)
pytest_plugins = ["lib.course.grading"]
collect_ignore = [] if "COURSE_BROWSER" in os.environ else ["tests/browser"]  # needs Chromium: on request
