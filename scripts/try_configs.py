"""Compare N generated configs (10,000 by default) with transformers, and count the verdicts: try_configs.py [N] [SEED].

Exits with 1 if a config gives logits that differ from the reference, if only the reference refuses a config, or if a
legal config is refused.
"""

import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from config_cases import KINDS
from config_verdicts import verdict


def main() -> int:
    """Draw, compare, count."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = sys.argv[2] if len(sys.argv) > 2 else "0"
    words: Counter[str] = Counter()
    legal: Counter[str] = Counter()
    wrong = 0
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        found = verdict(kind, random.Random(f"{seed} {kind} {index}"))
        words[found.word] += 1
        legal[found.word] += found.legal
        if found.word in ("differ", "lenient") or (found.legal and found.word != "agree"):
            wrong += 1
            print(f"{found.word}{' (legal)' if found.legal else ''}: {found.config} {found.why}")
    print(f"{count} configs: {dict(words)}")
    print(f"legal among them, changed in nothing: {dict(+legal)}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
