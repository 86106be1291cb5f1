"""A tiny random model whose tokenizer has every word of every generated task as one token."""

from string import Formatter

from tiny import Kind, Sizes, tiny
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Digits, PreTokenizer, Sequence, Split, Whitespace

from loadstore.circuits.tasks import agreement, capital, docstring, greater_than, hypernymy, words
from loadstore.circuits.tasks.table import TASKS
from loadstore.model.weights import Weights
from loadstore.tokenizer.tokens import Tokens

DIGITS = {
    "one": Digits(individual_digits=True),
    "two": Split(Regex(r"\d\d"), "isolated"),
    "whole": Digits(individual_digits=False),
}


def vocabulary() -> list[str]:
    """Every word that templates, fillers and targets have, and numbers of one and of two digits."""
    texts = [
        part for recipe in TASKS.values() for template in recipe.templates for part, *_ in Formatter().parse(template)
    ]
    texts += [*words.MALE, *words.FEMALE, *words.PLACES, *words.OBJECTS, *words.COLOURS, *words.ITEMS]
    texts += [form for word in agreement.SUBJECTS for form in (word, f"{word}s")]
    texts += [*agreement.PLACES, *agreement.PLURAL, *agreement.SINGULAR, *gender_words(), *greater_than.NOUNS]
    texts += [capital.CAPITALS.replace("_", " ").replace(":", " "), *docstring.ARGUMENTS, *docstring.TEXTS]
    texts += [f"{name} {name.capitalize()} it" for name in docstring.NAMES]
    texts += [f"{kind} {some}" for kind, some in hypernymy.KINDS.items()]
    found = [word for text in texts for word, _ in splitter("one").pre_tokenize_str(text)]
    return ["<s>", *dict.fromkeys([*found, *map(str, range(10)), *(f"{n:02}" for n in range(100))])]


def gender_words() -> list[str]:
    """The pronouns."""
    return [" he", " she"]


def splitter(digits: str) -> PreTokenizer:
    """Words and punctuation apart; digits one by one, in twos or together."""
    return Sequence([Whitespace(), DIGITS[digits]])


def speaking(digits: str = "one", *, bos: bool = True, seed: int = 0) -> Weights:
    """A model of two layers and three heads in float64, context 64."""
    names = vocabulary()
    tokenizer = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="<s>"))
    tokenizer.pre_tokenizer = splitter(digits)  # pyright: ignore[reportAttributeAccessIssue]
    sizes = Sizes(vocab=len(names), context=64, n_layers=2)
    model = tiny(Kind("learned", "layer", True, sizes=sizes), seed, n_layers=2)
    return Weights(**{**vars(model), "name": "speaking", "tokens": Tokens(tokenizer, 0 if bos else None)})
