"""``loadstore emergence``: a line for each measure, a page, and what is refused."""

from pathlib import Path

from cli.conftest import Run
from emerged import small_run

from loadstore.training.onset import MEASURES


def test_the_command_prints_a_line_for_each_measure_and_writes_a_page(loadstore: Run, tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    page = tmp_path / "page.html"
    code, out, _ = loadstore("emergence", str(run), "--pairs", "3", "-o", str(page))
    assert code == 0
    assert [line[:42].rstrip() for line in out.splitlines()[1:11]] == list(MEASURES.values())
    assert out.splitlines()[-1] == f"the same as a page: {page}"
    assert "loadstore/lines@1" in page.read_text(encoding="utf-8")
    assert "What formed when" in page.read_text(encoding="utf-8")
    code, _, err = loadstore("emergence", str(tmp_path))
    assert code == 2
    assert "keeps no checkpoints; train with kept_per_octave above 0" in err


def test_a_report_on_a_run_shows_its_curves_and_what_formed_when(loadstore: Run, tmp_path: Path) -> None:
    run, page = small_run(tmp_path / "run"), tmp_path / "page.html"
    words = ("report", str(run), "-o", str(page))
    code, out, _ = loadstore(*words)
    assert code == 0
    assert "figure Formation: " in out
    assert "figure Emergence: Half of the way" in out
    assert "What formed when" in page.read_text(encoding="utf-8")
    code, out, _ = loadstore(*words, "--quick")
    assert code == 0
    assert "figure Formation: " in out
    assert "figure Emergence" not in out
