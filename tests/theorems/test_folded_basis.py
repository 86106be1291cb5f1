"""Under a norm the stream has another basis once the gain is folded; under a LayerNorm, one that keeps the mean."""

from dataclasses import replace

import planted
import pytest
import torch
from tiny import KINDS, Kind, of_inputs, some_tokens, tiny
from torch import Tensor

from loadstore.errors import Undefined
from loadstore.execution.run import run
from loadstore.model.gauge import rotate_stream
from loadstore.model.layers import Layer, MlpLayer, Norm
from loadstore.model.ports import fold
from loadstore.model.weights import Weights

GAINED = [kind for kind in KINDS if kind.norm == "rms" and kind.positions != "shortformer" and not kind.after]
CENTRED = [kind for kind in KINDS if kind.norm == "layer" and kind.positions != "shortformer" and not kind.biases]


def folded(model: Weights) -> Weights:
    """The same function with every gain inside the matrices that read behind it."""

    def layer(old: Layer) -> Layer:
        assert old.norm is not None
        gain, centres = Norm(old.norm.gain, centres=False), old.norm.centres
        sides = {name: torch.stack([fold(W, gain) for W in getattr(old, name)]) for name in ("W_Q", "W_K", "W_V")}
        through = {
            name: None if latent is None else replace(latent, W=fold(latent.W, gain))
            for name, latent in (("q_latent", old.q_latent), ("kv_latent", old.kv_latent))
        }
        mlp = None if old.mlp is None else inside(old.mlp)
        return replace(old, **sides, **through, norm=Norm(centres=centres), mlp=mlp)

    def inside(old: MlpLayer) -> MlpLayer:
        assert old.norm is not None
        gain, centres = Norm(old.norm.gain, centres=False), old.norm.centres
        return of_inputs(old, lambda matrix: fold(matrix, gain), norm=Norm(centres=centres))

    last = model.final_norm
    assert last is not None
    W_U = fold(model.W_U, Norm(last.gain, centres=False))
    return replace(model, layers=tuple(map(layer, model.layers)), W_U=W_U, final_norm=Norm(centres=last.centres))


def logits(model: Weights) -> Tensor:
    return run(model, some_tokens(model)).logits


@pytest.mark.parametrize("kind", GAINED, ids=str)
def test_an_rmsnorm_can_be_rotated_once_its_gain_is_folded(kind: Kind) -> None:
    model = tiny(kind)
    bare = folded(model)
    assert float((logits(bare) - logits(model)).abs().max()) < 1e-10
    assert float((logits(rotate_stream(bare, planted.rotation(12))) - logits(model)).abs().max()) < 1e-10
    with pytest.raises(Undefined, match="fix the basis"):
        rotate_stream(model, planted.rotation(12))


@pytest.mark.parametrize("kind", CENTRED, ids=str)
def test_a_layernorm_allows_the_rotations_that_keep_the_mean_and_no_other(kind: Kind) -> None:
    model = folded(tiny(kind))
    plain = replace(  # rotate_stream refuses norms that centre, so it is shown the weights without them
        model, layers=tuple(replace(layer, norm=None) for layer in model.layers), final_norm=None
    )
    mean = torch.ones(1, 12, dtype=torch.float64) / 12**0.5
    others = torch.linalg.svd(mean)[2][1:]
    keeps = mean.mT @ mean + others.mT @ planted.rotation(11) @ others
    for rotation, same in ((keeps, True), (planted.rotation(12), False)):
        turned = rotate_stream(plain, rotation)
        layers = tuple(replace(layer, norm=Norm()) for layer in turned.layers)
        difference = logits(replace(turned, layers=layers, final_norm=Norm())) - logits(model)
        assert (float(difference.abs().max()) < 1e-10) == same
        assert same or float(difference.abs().max()) > 1e-3
