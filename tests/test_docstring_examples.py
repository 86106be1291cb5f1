"""Every public name has an example in its docstring, and the examples run and print what they say."""

import doctest
import inspect
from pathlib import Path

import pytest
from each import each
from emerged import small_run
from public import public

import loadstore as ls

RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHOWN = {name: inspect.getdoc(thing) or "" for name, thing in public().items()}


def test_every_public_name_has_an_example() -> None:
    assert [name for name, text in SHOWN.items() if ">>>" not in text] == []


@pytest.mark.filterwarnings("ignore")
@each("name", sorted(name for name, text in SHOWN.items() if ">>>" in text))
def test_an_example_prints_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "run/" in SHOWN[name]:
        small_run(tmp_path / "run")
    example = doctest.DocTestParser().get_doctest(SHOWN[name], {"ls": ls}, name, None, 0)
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=RULES).run(example, out=told.append, clear_globs=True)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)
