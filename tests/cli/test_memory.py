"""``loadstore maps``, ``lifetimes`` and ``reach``, in words and for a machine."""

import json
from collections.abc import Callable

from each import each

Run = Callable[..., tuple[int, str, str]]
SHORT = ("--tokens", "600")


@each(
    "words, schema, text",
    [
        (("maps", "builtin", "--writer", "L0.H7"), "maps", "L0.H7 "),
        (("lifetimes", "builtin", "--writer", "embed", "--limit", "6"), "lifetimes", "embed repeated by L0.H9"),
        (("reach", "builtin", "--effect", "4"), "reach", "mean distance over that of equal reading"),
    ],
)
def test_a_command_says_and_prints_what_it_measured(
    loadstore: Run, words: tuple[str, ...], schema: str, text: str
) -> None:
    code, out, _ = loadstore(*words, *SHORT)
    assert code == 0
    assert text in out
    document = json.loads(loadstore(*words, *SHORT, "--json")[1])
    assert document["schema"] == f"loadstore/{schema}@1"
    assert (document["model"], document["documents"], document["tokens"]) == ("builtin", 5, 640)
    if schema == "maps":
        (region,) = document["regions"]
        assert region["writer"] == "L0.H7"
        assert region["power"] > 0
        assert len(region["readers"]) == 3
    if schema == "lifetimes":
        assert document["lifetimes"][0]["rho"]["L0"] == 0
        assert {pair["later"] for pair in document["pairs"] if pair["reported"]} >= {"L0.H9", "L0.H11"}
    if schema == "reach":
        assert [row["side"] for row in document["readers"]] == ["Q", "K", "V", "Q", "K", "V", "unembed"]


@each(
    "words, sentence",
    [
        (("maps", "--share", "1"), "share=1.0: expected a part of the variance above 0 and below 1"),
        (("maps", "--writer", "L5.H1"), "no writer L5.H1"),
        (("lifetimes", "--writer", "pos"), "pos has no lifetime"),
        (("reach", "--corpus", "no-such-folder"), "no-such-folder"),
    ],
)
def test_bad_input_is_one_sentence(loadstore: Run, words: tuple[str, ...], sentence: str) -> None:
    code, out, error = loadstore(words[0], "builtin", *words[1:])
    assert (code, out) == (2, "")
    assert sentence in error
    assert error.count("\n") == 1
