"""``loadstore audit`` and ``enforce``: the API's numbers, a folder that loads, and nothing written on bad input."""

import json
import re
from pathlib import Path

import pytest
from cli.conftest import Run
from each import each
from planted import planted
from tiny import Kind, tiny

from loadstore.checkpoints.families.own import save_weights
from loadstore.checkpoints.library import load
from loadstore.execution.run import run
from loadstore.permissions.audit import audit
from loadstore.permissions.enforce import enforce
from loadstore.permissions.policy import Policy

POLICY = '[kernel]\nsource = "L0.H0"\nload = []\nstore = ["L0.H0"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a model, a text and a policy."""
    monkeypatch.chdir(tmp_path)
    save_weights(planted(), Path("model.safetensors"))
    save_weights(tiny(Kind("rotary", "rms", False, "gated", kv=2)), Path("grouped.safetensors"))
    Path("text.txt").write_text("a b c d e f g a b c d e f g\n\n" * 3 + "h i j k l m n h i j k l m n\n")
    Path("policy.toml").write_text(POLICY)
    return tmp_path


def test_the_commands_print_what_the_functions_return_and_write_what_enforce_gives(
    loadstore: Run, folder: Path
) -> None:
    model = load("model.safetensors")
    policy = Policy.from_toml(Path("policy.toml"), model)
    table = audit(model, policy, "text.txt", draws=3)
    words = ["model.safetensors", "policy.toml", "--corpus", "text.txt"]
    code, out, err = loadstore("audit", *words, "--draws", "3", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["schema"] == "loadstore/audit@1"
    (kernel,) = document["subspaces"]
    assert (kernel["subspace"], kernel["source"], kernel["rank"]) == ("kernel", "L0.H0", 20)
    one = {reader["reader"]: reader for reader in kernel["readers"]}["L1.H0.K"]
    assert one["taint"] == pytest.approx(float(table.taint.sel(subspace="kernel", reader="L1.H0.K")))
    assert "1 of 7 denied readers load it" in loadstore("audit", *words)[1]
    code, out, err = loadstore("enforce", *words, "-o", "out", "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert (facts["readers"], facts["writers"]) == (7, 3)
    assert facts["loss_after"] > facts["loss_before"]
    assert "does not prevent non-linear leakage" in facts["note"]
    code, out, err = loadstore("enforce", *words, "-o", "again")
    assert code == 0, err
    assert out.startswith("planted (enforced): 7 readers and 3 writers are denied a subspace\nwritten to again ")
    assert f"loss {facts['loss_before']:.3f} -> {facts['loss_after']:.3f} nats" in out
    assert facts["note"] in out
    ids = [0, 1, 2, 3, 1, 2, 3]
    assert run(load("out"), ids).logits.equal(run(enforce(model, policy), ids).logits)


REFUSED = [
    (POLICY.replace("load = []", 'load = ["L1.H9.K"]'), "model", "no reader L1.H9.K: .* Nearest: L1.H0.K"),
    (POLICY.replace("L0.H0", "embed", 1).replace("source", "channel = 0\nsource"), "model", "has channels 1 to"),
    ("[a]\nrows = [[nan, 1.0]]", "model", "rows of .a. are not finite"),
    ("[a]\nrows = [[0.0, 0.0]]", "model", "the rows are 2 wide; planted has d_model 76"),
    ("[a]\nsource = 7", "model", r"source of .a. is 7; expected a text such as 'L0.H7'"),
    (POLICY.replace("source", 'channel = "x"\nsource', 1), "model", "channel of .kernel. is 'x'; expected a number"),
    ("[a]\ntokens = 7", "model", "tokens of .a.: expected a list of texts or ids, got 7"),
    ("[a]\nload = []", "model", ".a. needs one of source .a writer., tokens and rows"),
    ("[a]\nrows = []", "model", "given rows spans no dimension"),
    (
        POLICY.replace("load = []", 'load = ["!L1.H0.K"]'),
        "grouped",
        r"share one matrix; deny all of them, or .*--ungroup",
    ),
    ("[a", "model", "a policy is TOML"),
]


@each("policy, model, message", REFUSED)
def test_a_bad_policy_is_one_sentence_and_nothing_is_written(
    loadstore: Run, folder: Path, policy: str, model: str, message: str
) -> None:
    Path("policy.toml").write_text(policy)
    before = sorted(folder.iterdir())
    code, out, err = loadstore("enforce", f"{model}.safetensors", "policy.toml", "-o", "out")
    assert (code, out) == (2, "")
    assert re.search(message, err), err
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_a_folder_of_something_else_is_left_alone(loadstore: Run, folder: Path) -> None:
    Path("full").mkdir()
    Path("full", "notes.txt").write_text("mine")
    code, _, err = loadstore("enforce", "model.safetensors", "policy.toml", "--corpus", "text.txt", "-o", "full")
    assert code == 2
    assert "holds 'notes.txt'" in err
