"""Write the golden numbers anew: all, or those of some models or groups.

    PYTHONPATH=tests OMP_NUM_THREADS=1 .venv/bin/python tests/golden/make.py [MODEL | GROUP]…

A number moves only on purpose: the commit that writes these files names every id that changed, and why.
"""

import json
import sys
import time

from golden.files import computed, path, prefix, read
from golden.groups import PAIRS, REAL
from golden.summary import summary


def main(words: list[str]) -> int:
    """Write what is asked for, and keep what is not."""
    chosen = [pair for pair in PAIRS if not words or set(words) & set(pair)]
    for model, group in chosen:
        start, file = time.perf_counter(), path(model, group)
        numbers = {key: summary(result, named=model in REAL) for key, result in computed(model, group).items()}
        file.parent.mkdir(exist_ok=True)
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        old = read(model, group) if file.exists() else {}
        kept = {key: value for key, value in kept.items() if not key.startswith(prefix(model, group))} | numbers
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {_line(kept[key])}" for key in sorted(kept)]
        file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        moved = sum(old.get(key) != value for key, value in numbers.items())
        print(f"{model} {group}: {len(numbers)} results, {moved} not as before, {time.perf_counter() - start:.1f} s")
    return 0 if chosen else 2


def _line(numbers: object) -> str:
    text = json.dumps(numbers, ensure_ascii=False, separators=(",", ":"))
    if "Infinity" in text:
        raise ValueError(f"{text}: beside an infinity no other number of a result would count")
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
