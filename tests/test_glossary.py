"""The glossary: its links and names lead somewhere, and its words are used for nothing else."""

import re
from pathlib import Path

import typer
from each import each
from public import public

import loadstore as ls
from loadstore.cli.app import app

ROOT = Path(__file__).parent.parent
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in GLOSSARY.splitlines() if line.startswith("| ")]
TERMS = [row for row in ROWS if row[0] != "word"]
HOUSE = {  # the words that the house defines
    *(
        "site",
        "writer",
        "reader",
        "side",
        "wire",
        "wiring",
        "tokenizer",
        "token_ids",
        "n_tokens",
        "token",
        "HubLocation",
    ),
    *("address", "attention", "share", "top", "bypasses_norm", "contrast", "traffic", "effect", "alignment", "circuit"),
    *("attribution", "vocabulary map"),
}
CONFUSED = [  # a pattern, and the word that is meant
    (r"vocabulary circuit", "vocabulary map"),
    (r"attention weights?\b", "attention"),
    (r"\bhub address|\baddress on the hub", "HubLocation"),
    (r"signed parts? that sums?", "share"),
    (r"\bcircuits? of (?:a |the |one )?heads?\b", "vocabulary map"),
    (r"--(?:limit|most|count)\b", "top"),
    (r"attribution of (?:a |the )?(?:prompt|token)s?\b", "attribution"),
]


def test_every_term_has_a_row_a_meaning_and_a_place() -> None:
    words = [row[0] for row in TERMS]
    assert set(words) >= HOUSE
    assert len(words) == len(set(words))
    assert [row[0] for row in TERMS if len(row) != 4 or len(row[1]) < 10 or not re.search(r"`|\]\(", row[3])] == []


def test_every_link_name_and_option_exists() -> None:
    pages = {page for row in TERMS for page in re.findall(r"\]\(([\w-]+\.md)\)", row[3])}
    assert [page for page in pages if not (ROOT / "docs" / page).exists()] == []
    names = {name for row in TERMS for name in re.findall(r"`ls\.([\w.]+)`", row[3])}
    assert names <= {*public(), *ls.__all__}
    group = typer.main.get_command(app)
    options = {option for command in group.commands.values() for one in command.params for option in one.opts}  # pyright: ignore
    assert {option for row in TERMS for option in re.findall(r"`(--[\w-]+)`", row[3])} <= options
    assert not {"--limit", "--most", "--count", "--k"} & options


@each(("pattern", "word"), CONFUSED)
def test_a_word_is_used_in_one_meaning(pattern: str, word: str) -> None:
    assert word in {row[0] for row in TERMS}
    files = [
        path
        for folder, kind in (("docs", "*.md"), ("src", "*.py"), ("web/src", "*.ts*"))
        for path in (ROOT / folder).rglob(kind)
    ]
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in files
        if path.name not in ("glossary.md", "renames.md", "renamed.py")
    }
    assert len(texts) > 500
    assert [str(path) for path, text in texts.items() if re.search(pattern, text)] == []


def test_every_page_that_defines_a_term_leads_to_the_glossary() -> None:
    pages = {page for row in TERMS for page in re.findall(r"\]\(([\w-]+\.md)\)", row[3])}
    without = [
        page for page in sorted(pages) if "(glossary.md)" not in (ROOT / "docs" / page).read_text(encoding="utf-8")
    ]
    assert without == []
