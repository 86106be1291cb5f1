"""What a stranger types wrongly: one line, exit 2, a way out, no traceback (tests/cli/test_errors.py has files)."""

import pytest
from cli.conftest import Run
from each import each

from loadstore.cli.question import ARTICLE

WRONG = [
    ("lisitng builtin", "Did you mean 'listing'? See loadstore --help"),
    ("circuit builtin L0.H7", "It is now loadstore vocabulary-map"),
    ("scores builtin --limit 3", "Rows are counted by --top"),
    ("listing builtin --most 3", "The steps of a listing are counted by --top"),
    ("patch builtin --from x", "The other prompt is --counterfactual"),
    ("head L0.H4 -m builtin", "The model comes first: loadstore head MODEL HEAD"),
    ("scores builtin --redaer *.K", "--reader"),
    ("scores builtin --bos", "'--bos' requires an argument"),
    ("prove", "Missing argument 'circuit'; see loadstore prove --help"),
    ("listing buildin", "did you mean 'builtin'?"),
    ("heads SmolLM", "did you mean 'smollm2'?"),
    ("report gpt2", "did you mean 'openai-community/gpt2'?"),
    ("report gpt3", "loadstore models lists what can be loaded"),
    ("report attn-only-2l-dmo", "did you mean 'attn-only-2l-demo'?"),
    ("head L0.H4 L0.H5", "the model comes first, as in builtin L0.H4"),
    ("head builtin", "which head? name one after the model"),
    ("head builtin L0.H4 --head L0.H5", "'L0.H4' and --head 'L0.H5' are both given; give one of them"),
    ("channels builtin", "which writer? name one"),
    ("head builtin L0.H77", "Nearest: L0.H11"),
    ("listing builtin a --prompt b", "keep one of PROMPT, --prompt and --ids"),
    ("address builtin --ids 0,1 --prompt b --head L0.H0", "keep one of PROMPT, --prompt and --ids"),
    ("listing builtin --at ␣dgo", "the prompt has no token '␣dgo'"),
    ("listing builtin --at ␣sat", "2 tokens '␣sat': ␣sat·3, ␣sat·10; name one by its label or its index"),
    ("listing builtin --at 99", "there is no token 99: the prompt has tokens 0 to 14"),
    ("verify builtin --ids 0,17 --predict 3,4", "expected one id with --ids, such as 17"),
    ("listing builtin --predict ␣onset", "a target must be one"),
    ("report builtin -o report.csv", "expected a name that ends in .html"),
    ("head builtin L0.H4 -o head", "expected a name that ends in .html"),
    ("patch builtin --where L1.H4", "expected 'WRITERS -> READERS'"),
]


@each(("words", "way_out"), WRONG)
def test_a_wrong_line_is_one_sentence_with_a_way_out(loadstore: Run, words: str, way_out: str) -> None:
    code, out, err = loadstore(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("loadstore: ")
    assert way_out in err
    assert "Traceback" not in err


def test_a_prediction_without_its_space_is_asked_about(loadstore: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("listing", "builtin", ARTICLE, "--at", "10", "--predict", "on", "--top", "1")
    code, out, err = loadstore(*words)
    assert code == 0
    assert err.startswith("loadstore: --predict 'on' has p ")
    assert err.endswith(", and ␣on has p 0.99; write --predict ' on' if you mean that\n")
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("typer.confirm", answer)
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    code, yes, _ = loadstore(*words)
    assert code == 0
    assert "Explain ␣on?" in asked[0]
    assert out != yes == loadstore(*words[:6], " on", *words[7:])[1]


@each(("given", "same"), [("␣sat·10", "10"), (" dog", "9"), ("-1", "14")])
def test_a_token_is_named_by_text_label_or_index(loadstore: Run, given: str, same: str) -> None:
    named, counted = (loadstore("address", "builtin", "--head", "L1.H4", "--at", at) for at in (given, same))
    assert named == counted
    assert named[0] == 0


@each("words", ["listing builtin", "address builtin --head L1.H4"])
def test_a_prompt_is_positional_or_an_option(loadstore: Run, words: str) -> None:
    command, model, *rest = words.split()
    positional = loadstore(command, model, "the cat sat", *rest)
    assert positional == loadstore(command, model, *rest, "--prompt", "the cat sat")
    assert positional[0] == 0


def test_every_help_has_an_example_on_a_real_model_that_parses() -> None:
    import re
    import shlex

    import typer

    from loadstore.cli.app import app

    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # pyright: ignore[reportAttributeAccessIssue]
        lines = re.findall(r"Example: loadstore (.+)", command.help or "")
        assert lines, name
        for line in lines:
            used, *words = shlex.split(line)
            assert used == name
            command.make_context(name, words, resilient_parsing=False)
        if name not in ("train", "emergence", "demo-induction"):
            assert any(model in line for line in lines for model in ("smollm2", "NeelNanda")), name


def test_a_program_fits_a_terminal() -> None:
    from rich.text import Text

    from loadstore.cli.width import fitted

    long = "         LOAD.K  ␣the·12     embed .36 | pos .30 | L0.H9 .20 | 10 others .09 ; cut embed: p .67"
    lines = fitted(Text(f"{long}\nshort"), 60).plain.split("\n")
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith(" " * 29)
    assert not lines[1].startswith(" " * 30)
    assert lines[-1] == "short"
    assert " ".join(" ".join(lines[:-1]).split()) == " ".join(long.split())
    assert fitted(Text("x" * 130), 60).plain.replace("\n", "").replace(" ", "") == "x" * 130
