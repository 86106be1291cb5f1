"""Every field of every command's ``--json``, on a small model in a file; ids have the names of the fields."""

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import golden.functions as of
from emerged import small_run
from golden.cases import Case
from golden.leaves import leaves
from golden.summary import Result
from solvable import solvable
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.cli import main
from loadstore.tokenizer.tokens import Tokens

TEXT = "the cat sat on mat dog log a cup of tea milk my name is Tom Mary"  # every word once
PROMPT = "the cat sat on the mat the"
OTHER = "a dog sat on a log the"
SINGLE = ("head", "report")  # losses are rounded to float32, and numbers of a page to what is drawn
REPORT = {"report": ["report", "MODEL", "--prompt", PROMPT, "-o", "PAGE"]}
COMMANDS: dict[str, list[str]] = {
    "models": ["models", "MODEL"],
    "scores": ["scores", "MODEL", "--reader", "L1.H2.?", "--top", "3"],
    "channels": ["channels", "MODEL", "L0.H1", "--reader", "L1.H2.V", "--top", "2"],
    "wires": ["wires", "MODEL", "--corpus", "TEXT", "--reader", "L1.H2.?", "--top", "2", "--effect"],
    "maps": ["maps", "MODEL", "--corpus", "TEXT", "--writer", "L0.*"],
    "lifetimes": ["lifetimes", "MODEL", "--corpus", "TEXT", "--writer", "L0.*", "--checks", "3"],
    "reach": ["reach", "MODEL", "--corpus", "TEXT"],
    "patch": ["patch", "MODEL", PROMPT, "--counterfactual", OTHER, "--where", "L0.* -> L1.H2.?", "--top", "3"],
    "patch, against": ["patch", "MODEL", PROMPT, "--where", "* -> L2.H0.V", "--predict", "mat", "--against", "log"],
    "address": ["address", "MODEL", PROMPT, "--head", "L1.H2"],
    "address, counterfactual": ["address", "MODEL", PROMPT, "--head", "L1.H2", "--counterfactual", OTHER],
    "vocabulary-map": ["vocabulary-map", "MODEL", "L0.H1", "L1.H2", "--top", "3"],
    "vocabulary-map, key": [
        "vocabulary-map",
        "MODEL",
        "L0.H1",
        "L1.H2",
        "--kind",
        "key",
        "--offset",
        "2",
        "--top",
        "3",
    ],
    "tasks": ["tasks", "MODEL", "--task", "induction", "--pairs", "4"],
    "discover": ["discover", "MODEL", "--task", "PAIRS", "--size", "40"],
    "prove": [
        *("prove", "CIRCUIT", "--model", "MODEL", "--task", "PAIRS"),
        *("--controls", "3", "--sampled", "3", "--null", "4"),
    ],
    "emergence": ["emergence", "RUN", "--pairs", "3"],
    "sweep": [
        *("sweep", "--models", "MODEL", "--analysis", "scores,heads,spectrum,traffic", "--workers", "0", "-o", "SWEEP"),
    ],
    "export": ["export", "CIRCUIT", "--model", "MODEL", "--task", "PAIRS", "-o", "GRAPH"],
    "audit": ["audit", "MODEL", "POLICY", "--corpus", "TEXT", "--draws", "2"],
    "enforce": ["enforce", "MODEL", "POLICY", "--corpus", "TEXT", "-o", "FOLDER"],
    "heads": ["heads", "MODEL", "--sequences", "2"],
    "spectrum": ["spectrum", "MODEL", "L0.H1", "--top", "3"],
    "head": ["head", "MODEL", "L1.H2", "--sequences", "2", "--top", "2", "--offset", "2"],
    "listing": ["listing", "MODEL", PROMPT, "--top", "4"],
    "verify": ["verify", "MODEL", PROMPT, "--top", "3", "--controls", "2", "--replicates", "2"],
}


def results(case: Case) -> Iterator[tuple[str, Result]]:
    """Every result by its id."""
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(TEXT.split())}, unk_token="the"))
    tokenizer.pre_tokenizer = WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    with TemporaryDirectory() as folder:
        model, text = Path(folder, "tiny.safetensors"), Path(folder, "text.txt")
        save_weights(replace(case.model, name="tiny", tokens=Tokens(tokenizer, None)), model)
        text.write_text(f"{PROMPT}\n{OTHER}\n")
        Path(folder, "policy.toml").write_text('[p]\ntokens = [3, 4]\nload = ["!L1.*.K"]\n')
        places = {"MODEL": str(model), "TEXT": str(text), "PAGE": str(Path(folder, "page.html"))}
        places |= {"POLICY": str(Path(folder, "policy.toml")), "FOLDER": str(Path(folder, "enforced"))}
        places["SWEEP"] = str(Path(folder, "sweep"))
        places["GRAPH"] = str(Path(folder, "graph.json"))
        places["PAIRS"] = str(solvable(case.model, Path(folder, "pairs.jsonl")))
        places["CIRCUIT"] = str(Path(folder, "circuit.json"))
        if case.model.architecture.mlp is not None:
            places["RUN"] = str(small_run(Path(folder, "run")))
            task = of.task(load(model), places["PAIRS"])
            of.circuit_of_size(of.attribute(task), 40).save(places["CIRCUIT"])
        for name, words in (REPORT if case.model.architecture.mlp is None else COMMANDS | REPORT).items():
            for path, result in leaves(json.loads(printed([places.get(word, word) for word in words]))):
                if folder not in str(result):
                    yield f"{'single/' if name in SINGLE else ''}{name}/{path}", result


def printed(words: list[str]) -> str:
    """What a command prints. Raises ValueError with its message where it fails."""
    out, err = StringIO(), StringIO()
    with patch.object(sys, "argv", ["loadstore", *words, "--json"]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise ValueError(f"{words}: {err.getvalue()}") from None
    return out.getvalue()
