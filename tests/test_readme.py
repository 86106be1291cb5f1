"""The README's code runs as it stands, and what its comments promise is so."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_every_block_of_python_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    before, after = (float(x) for x in re.findall(r"tensor\(([\d.e-]+)\)", capsys.readouterr().out))
    assert before > 0.9
    assert after < 0.1
    assert str(names["scores"].alignment.sel(reader="L1.H4.K").to_series().idxmax()) == "L0.H7"


def test_every_file_that_the_readme_names_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
