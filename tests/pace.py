"""How slow this machine is at this moment, for limits that are stated in seconds."""

import functools
import resource
import subprocess
import sys

REFERENCE = 1.5  # processor seconds that `import torch` takes on the machine that the limits were stated for


def processor() -> float:
    """Seconds that children have computed: less than the wall's where the machine has other work."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@functools.cache
def slowness() -> float:
    """At least 1: how many times longer than on that machine `import torch` takes, the best of three at most."""
    took: list[float] = []
    for _ in range(3):
        before = processor()
        subprocess.run([sys.executable, "-c", "import torch"], check=True, timeout=120)
        took.append(processor() - before)
        if took[-1] < 1.1 * REFERENCE:
            break
    return max(1.0, min(took) / REFERENCE)
