"""Has an analysis become slower? Ratios to yardsticks of the same kind, beside those that are committed.

    make bench-check                       compare; exit 1 if a ratio is beyond 1.3 times the committed one
    python benchmarks/check.py --write     measure and write benchmarks/check.json

Every ratio is that of the processor's time of one thread to that of its yardstick, taken in turns in one process: other
work of the machine delays both and counts for neither. A row that is beyond the limit is measured again, as a cache
that others fill slows down both, but not equally. About two minutes.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")
LIMIT = 1.3  # times the committed ratio
TRIES = 3


def slower(committed: Mapping[str, float], measured: Mapping[str, float]) -> list[str]:
    """Return a sentence for every row whose ratio is beyond the limit, or that one side lacks."""
    sentences = [f"{name}: measured, but not in {FILE.name}; --write adds it" for name in measured.keys() - committed]
    sentences += [f"{name}: in {FILE.name}, but not measured" for name in committed.keys() - measured]
    for name in committed.keys() & measured.keys():
        before, now = committed[name], measured[name]
        if now > LIMIT * before:
            sentences.append(
                f"{name}: {now:.3g} times its yardstick, committed {before:.3g}: {now / before:.2f} times as long, "
                f"at most {LIMIT:g} are allowed"
            )
    return sorted(sentences)


def measure(committed: Mapping[str, float]) -> dict[str, float]:
    """The ratio of every row; one beyond the limit is the least of a few tries."""
    from checked import PROCESSES, rows, yardsticks  # beside this file, as the next
    from turns import ratio, ratio_of_processes

    tries: dict[str, Callable[[], float]] = {
        name: lambda pair=pair: ratio_of_processes(*pair) for name, pair in PROCESSES.items()
    }
    known = yardsticks()
    tries |= {name: lambda row=row: ratio(row, known) for name, row in rows().items()}
    found: dict[str, float] = {}
    for name, one in tries.items():
        found[name] = one()
        for _ in range(TRIES - 1):
            if found[name] <= LIMIT * committed.get(name, found[name]):
                break
            found[name] = min(found[name], one())
        beside = f", committed {committed[name]:.3g}" if name in committed else ""
        print(f"{name}: {found[name]:.3g}{beside}", flush=True)
    return found


def main(arguments: list[str]) -> int:
    """Measure, and compare or write."""
    write = "--write" in arguments
    committed = {} if write else json.loads(FILE.read_text(encoding="utf-8"))
    found = measure(committed)
    if write:
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    sentences = slower(committed, found)
    print("\n".join(sentences) or f"no row is beyond {LIMIT:g} times its committed ratio")
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
