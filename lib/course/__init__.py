"""The machinery of the course: building notebooks, grading them, and handing on the learner's own code."""
