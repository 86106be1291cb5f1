"""Every command on models as files, with hostile prompts and names: exit code 0 or 2, one line, nothing hidden."""

import io
import os
import random
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from attack.folders import files, hostile
from attack.tally import Tally, Wrong
from attack.tokens import NAMES
from attack.zoo import zoo
from loadstore.cli import main
from loadstore.cli.app import app
from loadstore.errors import BadRequest
from loadstore.model.wiring import wiring

HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
SECONDS = 60.0
REAL = 60  # of so many commands in this process, one more in its own
AGAIN = "failed; the same command tries them again"  # of a sweep
COMMANDS = """
models MODEL
models MODEL --json
models MODEL --check
scores MODEL --top 0
scores MODEL --reader READER --null heads --json
scores MODEL --where WHERE --norms ignore
scores MODEL --offset 1 --control haar -o OUT.csv
heads MODEL --sequences 2
heads MODEL --sequences 2 --on PROMPT
spectrum MODEL SITE
head MODEL HEAD --sequences 2 --top 2
channels MODEL HEAD --reader READER
channels MODEL SITE --json
wires MODEL --corpus TEXT --reader READER --top 2 --effect
wires MODEL --corpus TEXT --json
maps MODEL --corpus TEXT
lifetimes MODEL --corpus TEXT --checks 2
reach MODEL --corpus TEXT
patch MODEL PROMPT --top 3
patch MODEL PROMPT --counterfactual OTHER --where WHERE
patch MODEL --ids IDS --json
address MODEL PROMPT --head HEAD
address MODEL PROMPT --head HEAD --about NUMBER --counterfactual OTHER
vocabulary-map MODEL HEAD
vocabulary-map MODEL HEAD HEAD --kind key
vocabulary-map MODEL HEAD --kind match --offset NUMBER
vocabulary-map MODEL HEAD --kind position
tasks MODEL --pairs 4
tasks MODEL --task TASK
discover MODEL --task TASK --size NUMBER -o OUT.json
prove OUT.json --model MODEL --task TASK --controls 2 --sampled 2 --null 2
export OUT.json --model MODEL --task TASK -o OUT.graph
audit MODEL POLICY --corpus TEXT --draws 2
enforce MODEL POLICY --corpus TEXT -o OUT.folder
emergence NAME -o OUT.page
listing MODEL PROMPT --top 3
listing MODEL --ids IDS --at NUMBER --predict WORD --against WORD
verify MODEL PROMPT --controls 2 --replicates 2 --top 2
report MODEL --prompt PROMPT -o OUT.html --quick
report MODEL --ids IDS -o OUT.html --at NUMBER
explore NAME --no-browser
sweep --models MODEL --analysis scores,heads --dry-run -o OUT.sweep
sweep --models NAME MODEL --analysis spectrum --workers 0 -o NAME
sweep NAME --dry-run
train NAME TEXT -o OUT.run
demo-induction --recipe NAME -o OUT.demo
NAME MODEL
scores NAME
listing MODEL --NAME
""".strip().splitlines()


def attack(tally: Tally, seed: int, *, few: bool = False) -> None:
    """Draw commands until the time is up."""
    dice = random.Random(seed)
    known = {name for command in app.registered_commands if (name := command.name or command.callback.__name__)}  # pyright: ignore
    missing = known - {line.split()[0].replace("-", "_") for line in COMMANDS} - {line.split()[0] for line in COMMANDS}
    tally.attempt("every command is tried", "the table", lambda: _none(missing))
    with TemporaryDirectory() as folder:
        there = Path(folder)
        models = list(files(there, seed, few=few))
        sites = [str(w) for w in wiring(zoo(seed)[0].born(seed)).writers]
        _write(there, dice)
        for number in range(12 if few else 1_000_000):
            what, path = dice.choice(models)
            command = COMMANDS[number % len(COMMANDS)] if not few else dice.choice(COMMANDS[:-6])
            words = [_word(word, dice, path, there, sites) for word in command.split()]
            tally.attempt(
                f"command {_verb(command)}", f"{what}: {words}", lambda w=words: check(*in_process(w)), SECONDS
            )
            if number % REAL == REAL - 1 and not few:
                tally.attempt("a command in its own process", f"{what}: {words}", lambda w=words: check(*apart(w)))
            if tally.over and not few:
                return


def _verb(command: str) -> str:
    verb = command.split()[0]
    return "of no name" if verb == "NAME" else verb


def _none(missing: set[str]) -> None:
    if missing:
        raise Wrong(f"no line for {sorted(missing)}")


def _write(there: Path, dice: random.Random) -> None:
    """The other files that commands read."""
    (there / "text.txt").write_text("\n".join(f"w1 w2 w3 {hostile(dice)} w1 w2" for _ in range(6)), encoding="utf-8")
    (there / "policy.toml").write_text('[p]\ntokens = [0]\nload = ["!L0.H0.K"]\n')
    pairs = [f'{{"clean": [{i % 2}, 0, 1], "counterfactual": [{i % 2}, 1, 0], "good": 0, "bad": 1}}' for i in range(9)]
    (there / "task.jsonl").write_text("\n".join(pairs))
    (there / "odd.jsonl").write_text('{"clean": "\u202e", "counterfactual": "w1", "good": "\\u001b", "bad": "w2"}\n')


def _word(word: str, dice: random.Random, path: Path, there: Path, sites: list[str]) -> str:
    """A word of a command, drawn where it is a placeholder; now and then a hostile name in its place."""
    stem, _, ending = word.partition(".")
    kind, odd = stem if stem.isupper() else "", dice.random() < 0.08
    if kind and odd and kind not in ("MODEL", "OUT"):
        return dice.choice(NAMES).replace("\0", "")
    head = f"L{dice.randrange(2)}.H{dice.randrange(2)}"
    drawn = {
        "MODEL": str(path),
        "PROMPT": hostile(dice).replace("\0", ""),
        "OTHER": hostile(dice).replace("\0", ""),
        "IDS": ",".join(str(dice.randrange(3)) for _ in range(dice.randrange(1, 6))),
        "NUMBER": str(dice.choice([0, 1, 2, 3, -1, 99])),
        "HEAD": head,
        "SITE": dice.choice(sites),
        "READER": f"{head}.{dice.choice('QKV?')}",
        "WHERE": f"* -> {head}.?",
        "TEXT": str(there / "text.txt"),
        "POLICY": str(there / "policy.toml"),
        "TASK": dice.choice([str(there / "task.jsonl"), str(there / "odd.jsonl"), "induction", "ioi"]),
        "WORD": dice.choice(["w1", "w2", *NAMES]).replace("\0", ""),
        "NAME": dice.choice(NAMES).replace("\0", ""),
        "OUT": str(there / f"out.{ending}"),
    }
    return drawn.get(kind, word) if kind else word.replace("NAME", dice.choice(NAMES).replace("\0", ""))


def in_process(words: list[str]) -> tuple[int, str, str]:
    """Exit code, output and errors of a command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with patch.object(sys, "argv", ["loadstore", *words]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return code, out.getvalue(), err.getvalue()


def apart(words: list[str]) -> tuple[int, str, str]:
    """The same of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "loadstore", *words], capture_output=True, timeout=SECONDS, check=False, env=os.environ
    )
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def check(code: int, out: str, err: str) -> None:
    """Raise Wrong for a traceback, a hidden character or another exit code than 0 and 2; BadRequest for one line.

    A sweep whose items fail names them and ends with 1.
    """
    if code not in (0, 2) and not (code == 1 and AGAIN in err):
        raise Wrong(f"exit code {code}: {err[-400:]}")
    for name, text in (("output", out), ("errors", err)):
        if "Traceback" in text:
            raise Wrong(f"a traceback in its {name}: {text[-400:]}")
        if found := HIDDEN.search(text):
            raise Wrong(f"a hidden {found[0]!r} in its {name}: {text[max(0, found.start() - 60) : found.end() + 20]!r}")
    if code == 2:
        if len(err.strip().splitlines()) != 1:
            raise Wrong(f"a refusal of {len(err.splitlines())} lines: {err[:400]}")
        raise BadRequest(err.strip())
