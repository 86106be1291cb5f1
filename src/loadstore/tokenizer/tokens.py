"""Conversion between text and token ids, with an explicit BOS policy."""

from contextlib import suppress
from dataclasses import dataclass

from tokenizers import Tokenizer

from loadstore.errors import BadCheckpoint, BadPrompt, Undefined
from loadstore.jsonfile import MOST, parsed
from loadstore.quote import quote
from loadstore.tokenizer.guarded import guarded
from loadstore.tokenizer.pieces import spelled
from loadstore.tokenizer.vetting import MOST_BYTES, vet
from loadstore.tokenizer.work import Unbounded
from loadstore.visible import visible

REMEDY = "put the right one there, or remove it and pass token ids"


@dataclass(frozen=True, eq=False)
class Tokens:
    """A tokenizer and the id that begins every text (``bos``; None if there is none).

    ``own``: the model's BOS id, used or not. ``asked``: whether the caller chose the policy, not the model's files.
    ``most``: the length in bytes of the longest text that it accepts. ``unsure``: why the model's files leave BOS
    undecided; the caller must then choose.
    """

    tokenizer: Tokenizer
    bos: int | None
    own: int | None = None
    asked: bool = False
    most: int = MOST_BYTES // 2
    unsure: str = ""

    @staticmethod
    def from_json(text: str, bos: int | None, vocab: int, where: str) -> "Tokens":
        """Read the ``tokenizer.json`` format and check it before use.

        Truncation and padding in the file are switched off: a prompt is run completely or not at all.

        Args:
            text: The content of the file.
            bos: The id that begins every text, or None.
            vocab: The size of the model's vocabulary.
            where: The file, for error messages.

        Returns:
            The tokenizer.

        Raises:
            BadCheckpoint: The format is invalid, its work is unbounded, or it has ids beyond ``vocab``.
        """
        if len(text) > MOST:
            raise BadCheckpoint(f"{where} has {len(text):,} characters, expected at most {MOST:,}; {REMEDY}")
        try:
            most = vet(parsed(text, where, REMEDY))
        except Unbounded as error:
            raise BadCheckpoint(f"{where} cannot be used: {error}; {REMEDY}") from None
        with guarded(lambda why: BadCheckpoint(f"{where} cannot be read ({why}); expected the tokenizer.json format")):
            tokenizer = Tokenizer.from_str(text)
            tokenizer.no_truncation()
            tokenizer.no_padding()
            highest = max(tokenizer.get_vocab().values(), default=-1)
        if not 0 <= highest < vocab:
            raise BadCheckpoint(
                f"{where} has token ids up to {highest}, the model's vocabulary has {vocab}: it is not its tokenizer; "
                f"{REMEDY}"
            )
        return Tokens(tokenizer, bos, most=most)

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, BOS first. Raises BadPrompt for empty, untokenisable or too long text."""
        if not text:
            raise BadPrompt("the prompt is empty; give at least one character of text")
        if (size := len(text.encode(errors="replace"))) > self.most:
            raise BadPrompt(
                f"the text has {size:,} bytes, and this model's tokenizer takes at most {self.most:,} at once; "
                "give it in parts"
            )
        with guarded(
            lambda why: BadPrompt(
                f"the prompt cannot be tokenised ({why}); use characters that this model's tokenizer knows"
            )
        ):  # lone surrogates, or a bare Exception if a vocabulary lacks [UNK]
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        if not ids:
            raise BadPrompt(
                f"the prompt '{quote(text, 40)}' has no tokens under this model's tokenizer; use text that it knows"
            )
        return ids if self.bos is None else [self.bos, *ids]

    def one(self, text: str) -> int:
        """Return the id of a text that is exactly one token. Raises BadPrompt otherwise."""
        ids = self.encode(text)[0 if self.bos is None else 1 :]
        if len(ids) != 1:
            pieces = quote(" ".join(map(self.label, ids[:40])))
            raise BadPrompt(
                f"{text[:40]!r} is {len(ids)} tokens ({pieces}); a target must be one (most begin with a space)"
            )
        return ids[0]

    def text(self, token: int) -> str:
        """Return the text of one id; special and undecodable tokens by their name."""
        decoded = ""
        with suppress(Undefined), guarded(Undefined):
            decoded = self.tokenizer.decode([token], skip_special_tokens=False)
        return decoded if decoded else str(self.tokenizer.id_to_token(token))

    def label(self, token: int) -> str:
        """Return the display text of one id: white space visible, parts of a character as ``<0xE2>``."""
        text = self.text(token)
        return visible(spelled(str(self.tokenizer.id_to_token(token)), text) if "\ufffd" in text else text)

    def joined(self, ids: list[int]) -> str:
        """Return the text of several ids; characters split between tokens are restored."""
        text = "".join(map(self.text, ids))
        return self.tokenizer.decode(ids, skip_special_tokens=False) if "\ufffd" in text else text


def begins(tokens: Tokens | None) -> str:
    """The BOS token and the source of that choice: ``<|endoftext|> before the prompt (model)``, ``none (asked)``."""
    if tokens is None:
        return "no tokenizer"
    first = "none" if tokens.bos is None else f"{quote(tokens.label(tokens.bos), 40)} before the prompt"
    return f"{first} ({'asked' if tokens.asked else 'model'})"


def labels(ids: list[int], tokens: Tokens | None) -> list[str]:
    """Label tokens with their index, ``␣sat·10``, because text alone repeats; BOS is ⊢."""
    if tokens is None:
        return [f"#{token}·{index}" for index, token in enumerate(ids)]
    return [f"{'⊢' if token == tokens.bos else tokens.label(token)}·{index}" for index, token in enumerate(ids)]


def text_of(token: int, tokens: Tokens | None) -> str:
    """The label of a token id (``Tokens.label``), or ``#17`` without a tokenizer."""
    return f"#{token}" if tokens is None else tokens.label(token)


def require(tokens: Tokens | None, model: str, why: str = "") -> Tokens:
    """Return the tokenizer. Raises Undefined if the model has none, with the reason if known and a remedy."""
    if tokens is None:
        raise Undefined(
            f"{model} has no tokenizer{why and f' ({why})'}, so it takes token ids, not text; "
            "put a tokenizer.json beside the checkpoint, or pass a list of ids (--ids on the command line)"
        )
    return tokens
