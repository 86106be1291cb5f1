"""``loadstore head``: the dossier for a person, for a machine, and as a page."""

import json
from pathlib import Path

import pytest
from planted import planted
from typer.testing import CliRunner

from loadstore.checkpoints.families.own import save_weights
from loadstore.cli.app import app


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "planted.safetensors"
    save_weights(planted(), path)
    return path


def test_json_is_one_document_with_every_part(model: Path) -> None:
    result = CliRunner().invoke(app, ["head", str(model), "L1.H0", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["schema"], document["head"]) == ("loadstore/head@1", "L1.H0")
    role = {score["role"]: score["score"] for score in document["roles"]}
    assert role["induction"] == pytest.approx(1, abs=1e-5)
    best = max((wire for wire in document["reads"] if wire["reader"] == "L1.H0.K"), key=lambda w: w["alignment"])
    assert (best["writer"], best["above"]) == ("L0.H0", True)
    assert document["ablation"][0]["effect"] > 0.3


def test_a_person_reads_a_sentence_and_gets_a_page(model: Path, tmp_path: Path) -> None:
    page = tmp_path / "head.html"
    result = CliRunner().invoke(app, ["head", str(model), "--head", "L1.H0", "-o", str(page)])
    assert result.exit_code == 0, result.output
    assert "L1.H0 puts most of its attention on what followed earlier occurrences" in result.stdout
    assert "L0.H0   L1.H0.K" in result.stdout
    html = page.read_text(encoding="utf-8")
    assert "loadstore/bars@1" in html
    assert "default-src 'none'" in html
