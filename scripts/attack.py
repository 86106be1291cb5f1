"""Attack loadstore as a stranger would, and print what was tried: attack.py [PART …] [--seed N] [--minutes M].

Parts are models, functions, commands, questions and files; without a name all five run, one after the other, each for
its share of the minutes. A seed draws other models, arguments, prompts and damage. Exits 1 where anything failed, and
names each failure. The parts themselves are in tests/attack.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from attack.run import main

if __name__ == "__main__":
    sys.exit(main())
