"""What a notebook may cost: work on two cores, and memory. Measured in every strict run and stated in the README.

The machines that run the tests are shared, so the limit is on processor seconds and not on the clock. These too depend
on the machine: some have needed more than twice the seconds of others for the same work.
"""

CORES = 2
SECONDS = {"03": 180, "09": 180}  # of training on two cores, where translation needs more than the usual 90
USUAL_SECONDS = 90
SLOWER = 3  # times that a slow machine may need
MEGABYTES = dict.fromkeys(("14", "20", "21"), 2000)  # where a published model of 135 million parameters runs
USUAL_MEGABYTES = 1500

MEASURE = """
import resource, sys
_usage = resource.getrusage(resource.RUSAGE_SELF)
_unit = 2**20 if sys.platform == "darwin" else 2**10
print(_usage.ru_utime + _usage.ru_stime, _usage.ru_maxrss / _unit)
"""


def allowed(number: str) -> tuple[float, float]:
    """(processor seconds, megabytes) that notebook NN may use."""
    return SLOWER * CORES * SECONDS.get(number, USUAL_SECONDS), MEGABYTES.get(number, USUAL_MEGABYTES)
