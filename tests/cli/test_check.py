"""``loadstore models MODEL --check``."""

import json
from pathlib import Path

from reference_models import SHAPES, reference, save


def test_the_largest_difference_is_printed(loadstore, tmp_path: Path) -> None:
    folder = save(reference(SHAPES[0]).float(), tmp_path / "model")
    code, out, err = loadstore("models", str(folder), "--check")
    assert code == 0, err
    line = next(line for line in out.splitlines() if line.startswith("check"))
    assert "computes the same logits on 40 tokens: they differ by up to" in line
    assert "(tolerance 1e-04)" in line
    code, out, _ = loadstore("models", str(folder), "--check", "--json")
    assert "computes the same logits" in json.loads(out)["check"]
    code, out, _ = loadstore("models", str(folder), "--json")
    assert "check" not in json.loads(out)


def test_what_cannot_be_compared_is_said(loadstore) -> None:
    code, _, err = loadstore("models", "builtin", "--check")
    assert code == 2
    assert "which cannot read" in err
    code, _, err = loadstore("models", "--check")
    assert code == 2
    assert "name it" in err
