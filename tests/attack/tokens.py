"""Tokenizers of any number of tokens: plain words, and names that steer a terminal, a table or a page."""

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from loadstore.tokenizer.tokens import Tokens

NAMES = [
    *("<s>", "\x1b[31m", "\x1b]0;t\x07", "\x9b2J", "\u202ecba", "\u2066x\u2069", "a\u200bb", "\x00", "=1+1", "+cmd"),
    *(
        "@SUM(A1)",
        "[bold]x[/]",
        "</script>",
        "\ufeff",
        "\U000e0041",
        "\x7f",
        "l" * 400,
        "{0}",
        "%s",
        "\\x1b",
        "'\"",
        "|",
    ),
    *("💣", "e\u0301", "\u0600", "\ufffe", "&lt;", "--top", "-1", "nan", "None", "L0.H0", "embed", "\u2028", "·3", "␣"),
]


def hostile_tokens(vocab: int) -> Tokens:
    """Tokens whose names are hostile; those beyond the list are numbered."""
    return _tokens([*NAMES, *(f"\x1b{index}" for index in range(vocab))][:vocab])


def plain_tokens(vocab: int) -> Tokens:
    """Words with a number."""
    return _tokens([f"w{index}" for index in range(vocab)])


def _tokens(names: list[str]) -> Tokens:
    tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token=names[0]))
    tokenizer.pre_tokenizer = WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    return Tokens(tokenizer, 0 if len(names) % 2 else None)
