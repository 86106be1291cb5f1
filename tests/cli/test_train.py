"""``loadstore train``: what a short run reads and saves, and the text that it needs."""

import json
from collections.abc import Callable
from pathlib import Path

import loadstore as ls

Run = Callable[..., tuple[int, str, str]]
RECIPE = Path(__file__).parents[1] / "training" / "tiny.toml"


def test_a_short_run_says_what_it_reads_and_saves_a_model_that_loads(loadstore: Run, tmp_path: Path) -> None:
    recipe, text = tmp_path / "short.toml", tmp_path / "text"
    recipe.write_text(RECIPE.read_text().replace("steps = 30", "steps = 3").replace("steps = 40", "steps = 4"))
    text.mkdir()
    for number in range(60):
        (text / f"{number}.txt").write_text(f"the cat {number} sat on the mat and the dog sat on the log.\n" * 4)
    code, _, err = loadstore("train", str(recipe), str(text), "-o", str(tmp_path / "run"), "--threads", "1")
    assert code == 0, err
    assert f"reading {text}" in err
    assert "tokens to train on" in err
    assert "after 7 steps" in err
    trained = ls.load(next((tmp_path / "run").glob("*.safetensors")))
    assert (trained.architecture.n_layers, trained.architecture.d_model) == (2, 32)
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == 7
    code, out, err = loadstore("train", str(recipe), "-o", str(tmp_path / "other"))
    assert (code, out) == (2, "")
    assert "reads text; give a folder of .txt, .jsonl or .parquet files" in err
