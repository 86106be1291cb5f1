"""A recipe's numbers at their bounds are taken, and one beyond is refused."""

from pathlib import Path

import pytest

from loadstore.errors import BadRequest
from loadstore.training.recipe_file import preset, read_recipe

TOML = """
name = "r"
seed = 3
n_layers = 1
n_heads = 2
d_model = 4
d_head = 4
vocab = 300
context = 24
per_octave = 3
[start]
pos_frequencies = [2.4, 0.5]
[[phase]]
name = "find"
steps = 6
batch = 4
length = 16
repeats = 0.5
block = [3, 6]
open_heads = [1]
"""


@pytest.mark.parametrize(
    ("key", "taken", "refused"),
    [
        ("vocab", "257", "256"),
        ("seed", "9223372036854775807", "9223372036854775808"),
        ("seed", "0", "-1"),
        ("n_heads", "1", "0"),
        ("n_heads", "512", "2147483648"),  # heads were counted one by one
        ("per_octave", "1000", "1001"),
        ("per_octave", "1", "0"),
        ("length", "24", "25"),
        ("length", "7", "6"),  # a block is shorter
        ("block", "[1, 15]", "[0, 15]"),
        ("block", "[15, 15]", "[15, 16]"),
        ("block", "[6, 6]", "[6, 5]"),
        ("repeats", "1.0", "1.01"),
        ("repeats", "0", "-0.1"),
        ("batch", "1", "0"),
        ("open_heads", "[2]", "[3]"),
        ("open_heads", "[0]", "[1, 1]"),
        ("pos_frequencies", "[1.0, 0.5]", "[1.0, 0.5, 0.1]"),
    ],
)
def test_a_bound_is_taken_and_one_beyond_is_refused(tmp_path: Path, key: str, taken: str, refused: str) -> None:
    path = tmp_path / "recipe.toml"
    lines = TOML.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.startswith(f"{key} =")]
    for value, fine in ((taken, True), (refused, False)):
        path.write_text("\n".join([*lines[:at], f"{key} = {value}", *lines[at + 1 :]]), encoding="utf-8")
        if fine:
            assert read_recipe(path).name == "r"
        else:
            with pytest.raises(BadRequest, match=r"expected|do not fit"):
                read_recipe(path)


def test_a_recipe_needs_a_phase_and_names_heads_of_its_model(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    for text, message in (
        (TOML.partition("[[phase]]")[0], r"has no \[\[phase\]\]; a recipe needs at least one"),
        (TOML.replace("[start]", '[names]\ninduction = ["L0.X1"]\n[start]'), "must be different heads of this model"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadRequest, match=message):
            read_recipe(path)
    with pytest.raises(BadRequest, match=r"no recipe huge-gpt ships; there are induction-demo, "):
        preset("huge-gpt")
