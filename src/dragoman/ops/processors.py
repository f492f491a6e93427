"""What this process may use of the machine."""

import os


def usable_processors() -> int:
    """How many processors this process may run on; where the system does not say, all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
