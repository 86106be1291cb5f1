"""Models made by TransformerLens 3.9: every logit, pattern, residual, z and composition score to 1e-5."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from close import assert_close
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from loadstore.checkpoints.library import load
from loadstore.errors import NotThisModel
from loadstore.execution.run import run
from loadstore.execution.trace import Trace
from loadstore.scores.scores import subspace_scores

REFERENCES = sorted((Path(__file__).parent.parent / "reference").glob("attention_only_*.safetensors"))
NAMES = [path.stem.removeprefix("attention_only_") for path in REFERENCES]
WEIGHTS = "weights."


@dataclass(frozen=True)
class Reference:
    """What the other tool computed, and the checkpoint that it computed it from."""

    tensors: dict[str, Tensor]
    checkpoint: Path
    trace: Trace


@pytest.fixture(scope="module", params=REFERENCES, ids=NAMES)
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    with safe_open(request.param, framework="pt") as file:
        names = list(file.keys())  # the handle itself cannot be iterated over
        tensors, config = {name: file.get_tensor(name) for name in names}, file.metadata()["config"]
    checkpoint = tmp_path_factory.mktemp("reference") / request.param.name
    weights = {name.removeprefix(WEIGHTS): tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    save_file(weights, checkpoint, metadata={"config": config})
    return Reference(tensors, checkpoint, run(load(checkpoint), tensors["tokens"], record=True))


def test_there_is_a_reference_for_each_scheme() -> None:
    assert NAMES == ["layernorm", "shortformer"]


def test_logits(reference: Reference) -> None:
    assert_close(reference.trace.logits, reference.tensors["logits"])
    unrecorded = run(reference.trace.weights, reference.tensors["tokens"])
    assert_close(unrecorded.logits, reference.tensors["logits"])


@pytest.mark.parametrize("layer", [0, 1])
def test_patterns_of_every_head(reference: Reference, layer: int) -> None:
    heads = torch.stack([reference.trace.pattern(f"L{layer}.H{index}") for index in range(6)], 1)
    scale = max(float(reference.trace.scores(head).abs().max()) for head in reference.trace.weights.architecture.heads)
    assert_close(heads, reference.tensors[f"pattern.{layer}"], scale=scale)


@pytest.mark.parametrize("layer", [0, 1])
def test_the_stream_after_every_layer(reference: Reference, layer: int) -> None:
    assert_close(reference.trace.residual(layer + 1), reference.tensors[f"resid_post.{layer}"])


@pytest.mark.parametrize("layer", [0, 1])
def test_mixed_values_z(reference: Reference, layer: int) -> None:
    assert_close(reference.trace.record.layers[layer].z, reference.tensors[f"z.{layer}"])


@pytest.mark.parametrize("side", ["Q", "K", "V"])
def test_raw_composition_scores(reference: Reference, side: str) -> None:
    # That tool gives the raw product, norms ignored, and 0 for what cannot be connected.
    scores = subspace_scores(reference.trace.weights, norms="ignore").score
    found = scores.sel(writer=[f"L0.H{h}" for h in range(6)], reader=[f"L1.H{h}.{side}" for h in range(6)])
    assert_close(torch.from_numpy(found.values).float(), reference.tensors[f"composition.{side}"][0, :, 1])


def test_without_its_config_the_scheme_is_asked_for_and_the_wrong_one_is_off(
    reference: Reference, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.safetensors"
    save_file({n.removeprefix(WEIGHTS): t for n, t in reference.tensors.items() if n.startswith(WEIGHTS)}, bare)
    with pytest.raises(NotThisModel, match="positions="):
        load(bare)
    right = reference.trace.weights.architecture.positions
    wrong = "learned" if right == "shortformer" else "shortformer"
    for scheme, is_close in ((right, True), (wrong, False)):
        logits = run(load(bare, positions=scheme), reference.tensors["tokens"]).logits
        assert (float((logits - reference.tensors["logits"]).abs().max()) < 1e-3) == is_close
    with pytest.raises(NotThisModel, match="contradictory"):
        load(reference.checkpoint, positions=wrong)
