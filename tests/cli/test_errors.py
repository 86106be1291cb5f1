"""Bad input on the command line: exit code 2, one sentence on stderr, nothing on stdout, never a traceback."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from each import each
from hostile import WORDS, legacy_state, small, words
from safetensors.torch import save_file

from loadstore.checkpoints.families.own import save_weights
from loadstore.cli import main

RECIPE = "attention-only"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with one file of every bad kind."""
    monkeypatch.chdir(tmp_path)
    state = legacy_state(small())
    torch.save(state, "bare.pth")
    torch.save(state, "attn_only_2L_half.pth")
    torch.save([1], "list.pth")
    torch.save({**state, "embed.W_E": torch.full((17, 12), torch.nan)}, "nan.pth")
    save_weights(small(), tmp_path / "good.safetensors")
    content = (tmp_path / "good.safetensors").read_bytes()
    Path("torn.safetensors").write_bytes(content[:-100])
    Path("flipped.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    Path("empty.safetensors").write_bytes(b"")
    Path("model.ckpt").write_bytes(b"x")
    Path("bomb").mkdir()
    save_file(state, "bomb/model.safetensors", {"config": "[" * 100_000})
    Path("nothing").mkdir()
    Path("foreign").mkdir()
    torch.save(state, "foreign/model.pth")
    Path("foreign/tokenizer.json").write_text(words([*WORDS, *map(str, range(20))]).to_str())
    Path("mute").mkdir()
    torch.save(state, "mute/attn_only_2L_half.pth")
    Path("broken.toml").write_text("n_layers = = 2")
    Path("odd.toml").write_text("start = 3\n")
    Path("unknown.toml").write_text('[[phase]]\nname = "x"\nspeed = 3\n')
    return tmp_path


def refuse(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail; return the sentence."""
    monkeypatch.setattr(sys, "argv", ["loadstore", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert out == ""
    assert "Traceback" not in err
    return err


COMMANDS = [["scores"], ["heads"], ["spectrum"], ["models"], ["report"], ["scores", "--json"], ["heads", "--json"]]
MODELS = [
    ("nowhere.safetensors", "there is no model 'nowhere.safetensors': expected 'builtin'"),
    ("torn.safetensors", "download it again"),
    ("flipped.safetensors", "does not match the digest in its header; download it again"),
    ("empty.safetensors", "cannot be read as safetensors"),
    ("model.ckpt", "does not end in .safetensors"),
    ("list.pth", "expected a dict of tensors"),
    ("nan.pth", "tensor 'embed.W_E' has 204 NaN or infinite entries"),
    ("bare.pth", "(--positions)"),
    ("bomb", "is not JSON"),
    ("nothing", "holds 0 model files"),
    (".", "expected one of .safetensors"),
    ("foreign", "it is not its tokenizer"),
]


@each(("found", "command"), zip(MODELS, itertools.cycle(COMMANDS), strict=False))
@pytest.mark.usefixtures("folder")
def test_a_model_that_cannot_be_loaded(
    found: tuple[str, str],
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, words = found
    extra = ["--positions", "learned"] if model in ("nan.pth", "foreign") else []
    said = refuse([command[0], model, *command[1:], *extra], monkeypatch, capsys)
    assert said.startswith("loadstore: ")
    assert said.count("\n") == 1
    assert words in said
    assert not Path("report.html").exists()


@each(
    ("line", "words"),
    [
        ("scores good.safetensors --norms both", "norms='both': expected 'fold' or 'ignore'"),
        ("scores good.safetensors --control flip", "control='flip': expected"),
        ("scores good.safetensors --null flat", "null='flat': expected 'rotation', 'heads' or 'stream'"),
        ("scores good.safetensors --null stream --corpus nowhere", "nowhere"),
        ("scores good.safetensors --writer zzz", "'zzz' is not a writer; writers are"),
        ("scores good.safetensors --reader zzz", "'zzz' is not a reader; readers are"),
        ("scores good.safetensors -o wires.xlsx", "wires.xlsx: expected a name that ends in .csv or .nc, or in .arrow"),
        ("scores good.safetensors -o nowhere/wires.csv", "nowhere/wires.csv cannot be written"),
        ("scores good.safetensors --positions alibi", "'alibi': expected 'learned', 'shortformer', 'rotary' or 'none'"),
        ("scores good.safetensors --positions rotary", "says shortformer positions, positions='rotary'"),
        ("scores good.safetensors --positions learned", "says shortformer positions, positions='learned'"),
        ("scores attn_only_2L_half.pth --positions learned", "its positions are contradictory"),
        ("heads good.safetensors --on weekdays", "on='weekdays': expected"),
        ("spectrum good.safetensors L9.H3", "no writer L9.H3: small has embed"),
        ("spectrum good.safetensors foo", "'foo' is not a writer; writers are embed, pos, L0.H7"),
        ("spectrum good.safetensors L1.H0.K", "'L1.H0.K' is not a writer"),
        ("report builtin -o nowhere/report.html", "nowhere/report.html cannot be written"),
        ("report mute --prompt cat", "no tokenizer, so it takes token ids, not text"),
        ("train nowhere.toml nothing", "the recipe nowhere.toml cannot be read"),
        ("train broken.toml nothing", "the recipe broken.toml cannot be read"),
        ("train odd.toml nothing", "odd.toml is not laid out as a recipe"),
        ("train unknown.toml nothing", "unknown.toml: phase has no ['speed']"),
        (f"train {RECIPE} nowhere", "nowhere is not a folder"),
        (f"train {RECIPE} nothing", "nothing has 0 documents"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_argument_that_cannot_be_used(
    line: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *progress, said = refuse(line.split(), monkeypatch, capsys).splitlines()
    assert said.startswith("loadstore: ")
    assert words in said
    assert all(told.startswith("reading ") for told in progress)
    assert {path.name for path in Path.cwd().rglob("*.part")} == set()


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "the prompt is empty"),
        (" the" * 256, "257 tokens; builtin takes at most 256"),
        (" the" * 5000, "5001 tokens; builtin takes at most 256"),
        ("\ud800", "cannot be tokenised"),
    ],
    ids=["empty", "one too long", "far too long", "surrogate"],
)
@pytest.mark.usefixtures("folder")
def test_a_prompt_that_cannot_be_run(
    prompt: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refuse(["report", "builtin", "--prompt", prompt], monkeypatch, capsys)
    assert words in said
    assert not Path("report.html").exists()


@each(
    ("line", "words"),
    [
        ("dance", "No such command 'dance'"),
        ("scores --colour red", "No such option: --colour"),
        ("heads --sequences 0", "greater than or equal to 1"),
        ("spectrum --top many", "--top"),
        ("scores a b", "unexpected extra argument"),
    ],
)
def test_a_command_line_that_is_none(
    line: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refuse(line.split(), monkeypatch, capsys)
    assert words in said
    assert "--help" in said


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=600, env=environment
    )


def test_the_process_itself_exits_with_2_and_one_line(folder: Path) -> None:
    run = python("-m", "loadstore", "scores", str(folder / "torn.safetensors"), "--json")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"loadstore: {folder / 'torn.safetensors'} cannot be read as safetensors")
    assert run.stderr.count("\n") == 1


def test_a_pickle_given_on_the_command_line_runs_nothing(folder: Path) -> None:
    (folder / "harm.pth").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")
    run = python("-m", "loadstore", "models", str(folder / "harm.pth"))
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "nothing was executed" in run.stderr
    assert not (folder / "executed").exists()


@each(
    ("words", "message"),
    [
        ("scores builtin --reader L9.H3.K", "no reader L9.H3.K: builtin has"),
        ("scores builtin --writer L0.H99", "Nearest: L0.H11"),
        ("report builtin --ids 1,x", "expected whole numbers between commas"),
        ("report builtin -o .", "is not the name of a file"),
        ("models nothing-here", "there is no model"),
    ],
)
def test_more_arguments_that_cannot_be_used(words: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr(sys, "argv", ["loadstore", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
