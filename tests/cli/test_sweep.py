"""``loadstore sweep``: exit codes, tables, the page, and what is refused."""

import json
import os
from pathlib import Path

from cli.conftest import Run
from each import each
from hostile import WORDS
from sweep.small_models import small_models


def test_models_are_compared_in_a_table_a_file_and_a_page(loadstore: Run, tmp_path: Path) -> None:
    models, out = small_models(tmp_path / "models"), tmp_path / "out"
    words = ("sweep", "--models", *models, "--analysis", "scores,spectrum", "--workers", "0", "-o", str(out))
    code, text, _ = loadstore(*words)
    assert code == 0
    assert "4 computed, 0 there before, 0 failed" in text
    table = (out / "table.csv").read_text().splitlines()
    assert table[0] == "model,most aligned,alignment,z,participation of embed"
    assert [line.split(",")[0] for line in table[1:]] == models
    page = (out / "sweep.html").read_text()
    assert "loadstore/table@1" in page
    assert "loadstore/dots@1" in page
    code, text, _ = loadstore(*words, "--json")
    document = json.loads(text)
    assert (code, document["computed"], document["kept"]) == (0, 0, 4)
    assert f"{document['models'][1]['alignment']}" in table[2]
    index = (out / "index.csv").read_text().splitlines()
    assert len(index) == 5
    assert all((out / line.split(",")[3]).exists() for line in index[1:])


def test_a_failed_item_is_named_and_the_exit_code_is_1(loadstore: Run, tmp_path: Path) -> None:
    models, out = small_models(tmp_path / "models", [0]), tmp_path / "out"
    words = ("sweep", "--models", *models, "--analysis", "traffic,spectrum", "--workers", "0", "-o", str(out))
    code, text, err = loadstore(*words)
    assert code == 1
    assert "1 computed, 0 there before, 1 failed" in text
    assert f"failed: traffic of {models[0]}: " in err
    assert err.splitlines()[-1] == "1 failed; the same command tries them again"
    assert "What failed" in (out / "sweep.html").read_text()
    assert "tokenizer" in (out / "index.csv").read_text().splitlines()[1]


def test_a_dry_run_writes_nothing_and_knows_what_is_there(loadstore: Run, tmp_path: Path) -> None:
    models, out = small_models(tmp_path / "models"), tmp_path / "out"
    words = ("sweep", "--models", *models, "--analysis", "spectrum,heads", "--workers", "0", "-o", str(out))
    code, text, _ = loadstore(*words, "--dry-run")
    assert code == 0
    assert "4 items, 0 of them computed before" in text
    assert "to compute: " in text
    assert not out.exists()
    assert loadstore(*words)[0] == 0
    document = json.loads(loadstore(*words, "--dry-run", "--json")[1])
    assert [item["there"] for item in document["items"]] == [True] * 4
    assert (document["operations"], document["seconds"], document["bytes"]) == (0, 0, 0)
    next((out / "results").iterdir()).unlink()
    document = json.loads(loadstore(*words, "--dry-run", "--json")[1])
    assert sorted(item["there"] for item in document["items"]) == [False, True, True, True]
    assert document["bytes"] > 0


@each(
    ("words", "says"),
    [
        ("sweep", "give one plan in TOML, or --models"),
        ("sweep a.toml b.toml", "give one plan in TOML"),
        ("sweep a.toml --analysis heads", "give one plan in TOML"),
        ("sweep nowhere.toml", "cannot be read as a plan"),
        ("sweep --models builtin --analysis head", "no analysis 'head'; the nearest is 'heads'"),
        ("sweep --models nowhere --analysis heads --workers 0 -o OUT", "there is no model 'nowhere'"),
        ("sweep --models builtin --analysis heads --engine slurm", "expected 'local' or 'ray'"),
        ("sweep --models builtin --analysis heads --address 1.2.3.4:5", "give --engine ray with it"),
        ("sweep --models builtin --analysis spectrum --workers 0 -o FILE", "cannot be made a folder"),
    ],
)
def test_what_cannot_be_swept_is_one_line(loadstore: Run, words: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(WORDS[0])
    places = {"OUT": str(tmp_path / "out"), "FILE": str(tmp_path / "file")}
    code, out, err = loadstore(*(places.get(word, word) for word in words.split()))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(loadstore: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / "table.csv").mkdir(parents=True)
    words = ("--models", "builtin", "--analysis", "spectrum", "--workers", "0", "-o", str(tmp_path / "out"))
    code, _, err = loadstore("sweep", *words)
    assert code == 2
    assert "is a folder; only a regular file can be replaced" in err
    assert os.listdir(tmp_path / "out" / "results") == []
