"""A recipe says its architecture: what is trained is what every other command runs."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from each import each

import loadstore as ls
from loadstore.checkpoints.families.own import save_weights
from loadstore.errors import BadRequest
from loadstore.training.optimise import Optimisers
from loadstore.training.parameters import Machine, as_weights
from loadstore.training.recipe import Recipe
from loadstore.training.recipe_file import PRESETS, named_recipe, read_recipe
from loadstore.training.start import initial

LLAMA = Path(__file__).with_name("tiny-llama.toml")
GIVEN = LLAMA.read_text(encoding="utf-8")


def moved(recipe: Recipe) -> Machine:
    """Parameters away from their start, so that no gain is one and no bias zero."""
    generator = torch.Generator().manual_seed(1)
    parameters = initial(recipe, generator)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.02)
    return Machine(recipe, parameters)


@pytest.mark.parametrize("name", PRESETS)
def test_the_machine_that_is_trained_is_the_one_that_runs(name: str, tmp_path: Path) -> None:
    recipe = replace(named_recipe(name), dtype="float64")
    machine = moved(recipe)
    ids = torch.randint(0, recipe.vocab, (2, 20), generator=torch.Generator().manual_seed(2))
    logits = machine(ids, 0)
    save_weights(as_weights(recipe, machine.named), tmp_path / "model.safetensors")
    model = ls.load(tmp_path / "model.safetensors")
    assert (model.architecture, model.tied) == (recipe.architecture, recipe.tied)
    torch.testing.assert_close(ls.run(model, ids).logits, logits, rtol=1e-10, atol=1e-10)
    logits.square().sum().backward()
    still = [each for each, parameter in machine.named.items() if parameter.grad is None or not parameter.grad.any()]
    assert not still


def test_a_step_moves_every_parameter_of_every_shape() -> None:
    recipe = read_recipe(LLAMA)
    machine = moved(replace(recipe, bias=True))
    before = {name: parameter.detach().clone() for name, parameter in machine.named.items()}
    machine(torch.tensor([[1, 2, 3, 4]]), 0).square().sum().backward()
    Optimisers(machine.named).step(recipe.phases[0], 0)
    still = [name for name, parameter in machine.named.items() if torch.equal(parameter, before[name])]
    assert not still


def test_a_preset_is_named_and_a_file_of_its_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [named_recipe(name).needs_text for name in PRESETS] == [False, True, True, True]
    Path("small-gpt").write_text(GIVEN, encoding="utf-8")
    assert named_recipe("small-gpt").name == "tiny-llama"
    with pytest.raises(BadRequest, match="no such file; those that ship are induction-demo, attention-only"):
        named_recipe("small-gtp")


@each(
    ("change", "message"),
    [
        (("n_kv_heads = 2", "n_kv_heads = 3"), "n_kv_heads = 3 is impossible"),
        (('positions = "rotary"', 'positions = "spiral"'), "positions = spiral: expected one of learned, shortformer"),
        (("d_head = 8", "d_head = 7"), "an even number of dimensions"),
        (('activation = "silu"', 'activation = "sine"'), "activation = sine: expected one of gelu"),
        (("width = 48\n", ""), "mlp: .*width"),
        (("gated = true", 'gated = "yes"'), "gated = yes: expected true or false"),
        (('norm = "rms"', 'norm = "rms"\ntied = 1'), "tied = 1: expected true or false"),
        (('norm = "rms"', 'norm = "rms"\ndtype = "float16"'), "dtype = float16: expected one of float32, float64"),
        (('windows = "packed"', 'windows = "open"'), "windows = open: expected one of random, packed"),
        (("accumulate = 2", "accumulate = 3"), "accumulate 3: expected a divisor of batch 8"),
        (("accumulate = 2", "accumulate = 0"), "accumulate 0: expected a divisor of batch 8"),
        (("repeats = 0.5\nblock = [3, 8]", "repeats = 0.5"), "but no block"),
        (("accumulate = 2", "open_heads = [1, 2]"), "heads with keys and values of their own"),
    ],
)
def test_a_wrong_architecture_or_phase_is_refused_with_its_key(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "wrong.toml"
    assert GIVEN.count(change[0]) == 1
    path.write_text(GIVEN.replace(*change), encoding="utf-8")
    with pytest.raises(BadRequest, match=message):
        read_recipe(path)
