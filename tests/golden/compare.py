"""Compare groups of golden numbers, in a process of its own: a line of JSON a group, with what is not as it was.

    PYTHONPATH=tests OMP_NUM_THREADS=1 .venv/bin/python tests/golden/compare.py learned/pass smollm2/edits

A process of its own, because shapes are not checked here: every other test checks them, and they take three times as
long.
"""

import json
import sys
import traceback

from golden.files import computed, read
from golden.summary import RELATIVE, SINGLE, differences


def compared(model: str, group: str) -> list[str]:
    """What is new, gone or not as it was in one group."""
    try:
        golden, found = read(model, group), computed(model, group)
        told = [f"{model}/{key}: is new; write the numbers anew" for key in sorted(found.keys() - golden.keys())]
        told += [f"{model}/{key}: is gone" for key in sorted(golden.keys() - found.keys())]
        for key in sorted(found.keys() & golden.keys()):
            rounded = "single/" in key or "dossier/ablation/" in key
            lines = differences(found[key], golden[key], SINGLE if rounded else RELATIVE)
            told += [f"{model}/{key}: {line}" for line in lines]
        return told
    except Exception:  # of one group: the others are still told
        return traceback.format_exc().splitlines()


def main(pairs: list[str]) -> None:
    """Compare what is asked for, in that order."""
    for pair in pairs:
        model, group = pair.split("/")
        print(json.dumps([pair, compared(model, group)]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
