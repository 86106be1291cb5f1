"""An enforced model is written as a folder that ``transformers`` opens, with the same logits."""

from pathlib import Path

import pytest
import torch
from each import each
from reference_models import SHAPES, exact, library, reference, save

from loadstore.checkpoints.library import load
from loadstore.checkpoints.rewritten import Written, folder_of, write_folder
from loadstore.errors import BadRequest
from loadstore.execution.run import run
from loadstore.permissions.enforce import enforce
from loadstore.permissions.policy import Policy
from loadstore.permissions.sources import subspace

NAMED = {shape.name: shape for shape in SHAPES}
WRITTEN = [
    *("gpt2-tied", "neox-half-tied", "llama3-one-key-head-tied", "llama-linear-biases", "qwen2-tied"),
    *("qwen3-groups-of-two", "gemma3-every-sixth", "phi-groups-of-two-quarter", "mistral-window"),
]
UNGROUPED = ("llama3-one-key-head-tied", "gemma3-every-sixth", "phi-groups-of-two-quarter", "qwen3-groups-of-two")


@each("name", WRITTEN)
def test_transformers_computes_from_the_folder_what_the_enforced_weights_give(name: str, tmp_path: Path) -> None:
    shape = NAMED[name]
    source = save(reference(shape), tmp_path / "source")
    model = load(source)
    space = subspace(model, torch.randn(2, model.architecture.d_model, dtype=torch.float64))
    readers = ["!L0.H0.K" if name in UNGROUPED else "!L0.*.K", "!L1.*.Q", "!L0.mlp"]
    readers += [] if name.startswith(("gpt2", "neox")) else ["!unembed"]
    policy = Policy({"p": space}, load={"p": readers}, store={"p": ["!embed", "!L0.H1", "!L0.mlp"]})
    enforced = enforce(model, policy, ungroup=name in UNGROUPED)
    write_folder(folder_of(enforced, source), tmp_path / "out")
    tokens = torch.randint(90, (2, 9), generator=torch.Generator().manual_seed(0))
    ours, again = run(enforced, tokens).logits, run(load(tmp_path / "out"), tokens).logits
    torch.testing.assert_close(ours, again, rtol=1e-11, atol=1e-11)  # the same numbers, laid out otherwise
    assert float((ours - run(model, tokens).logits).abs().max()) > 1e-3
    theirs = library().AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float64).eval()
    close = 1e-6 if name.startswith("gemma") else 1e-9  # the library opens the embedding's scale in float32
    with torch.no_grad(), exact(theirs):
        torch.testing.assert_close(theirs(tokens).logits, ours, rtol=close, atol=close)


def test_what_an_architecture_cannot_express_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    source = save(reference(NAMED["gpt2-tied"]), tmp_path / "source")
    model = load(source)
    policy = Policy({"p": subspace(model, "L0.H0", channel=1)}, load={"p": ["!unembed"]})
    with pytest.raises(BadRequest, match="has b_U, and a gpt2 model of transformers has no"):
        folder_of(enforce(model, policy), source)
    plain = folder_of(model, source)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(BadRequest, match=r"holds 'notes.txt', which is not a part of a model"):
        write_folder(plain, tmp_path / "full")
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["notes.txt"]
    with pytest.raises(BadRequest, match="cannot be made: it is a file, or its parent is missing"):
        write_folder(plain, tmp_path / "nowhere" / "out")


def test_the_built_in_model_is_written_as_a_file_of_ours(tmp_path: Path) -> None:
    model = load("builtin")
    enforced = enforce(model, Policy({"p": subspace(model, "L0.H7")}, load={"p": []}))
    written = folder_of(enforced, "builtin")
    assert written.layout == "loadstore's own file"
    write_folder(written, tmp_path / "out")
    again = load(tmp_path / "out")
    assert again.name == "builtin (enforced)"
    assert torch.equal(run(again, [1, 2, 3]).logits, run(enforced, [1, 2, 3]).logits)


def test_a_folder_that_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    written = Written({"config.json": b"{}"}, "a layout")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refused)
        with pytest.raises(BadRequest, match=r"new cannot be made: Permission denied; name a new folder in one that"):
            write_folder(written, tmp_path / "new")
    (tmp_path / "closed").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refused)
        with pytest.raises(BadRequest, match="closed cannot be listed: Permission denied; name a new folder"):
            write_folder(written, tmp_path / "closed")
    assert list((tmp_path / "closed").iterdir()) == []


def test_latents_are_written_as_a_file_of_ours(tmp_path: Path) -> None:
    source = save(reference(NAMED["deepseek3-no-experts-tied"]), tmp_path / "source")
    assert folder_of(load(source), source).layout == "loadstore's own file"


def test_keys_in_one_matrix_cannot_be_ungrouped(tmp_path: Path) -> None:
    source = save(reference(NAMED["phi3-window-partial"]), tmp_path / "source")
    model = load(source)
    space = subspace(model, torch.randn(2, model.architecture.d_model, dtype=torch.float64))
    enforced = enforce(model, Policy({"p": space}, load={"p": ["!L0.H0.K"]}), ungroup=True)
    with pytest.raises(BadRequest, match="keeps queries, keys and values in one matrix"):
        folder_of(enforced, source)
