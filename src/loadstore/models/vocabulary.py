"""A tokenizer from the vocabulary that a GGUF file carries."""

from typing import Any, cast

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from loadstore.errors import BadCheckpoint
from loadstore.models.gguf import GGUF
from loadstore.models.quote import quote
from loadstore.models.tokens import Tokens

CONTROL, USER = 3, 4
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _pre_tokenizer(kind: str) -> pre_tokenizers.PreTokenizer | None:
    match kind:
        case "gpt-2" | "default":
            return GPT2
        case "smollm":
            return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), GPT2])
        case "llama-bpe":
            return _split(LETTERS)
        case "qwen2":
            return _split(LETTERS.replace(r"\p{N}{1,3}", r"\p{N}"))
        case _:
            return None


def tokens_of(file: GGUF, vocab: int) -> Tokens | None:
    """Return the byte-level BPE of a file; None where it has another kind of tokenizer, so that it takes ids.

    Raises BadCheckpoint where the vocabulary is damaged.
    """
    kind = str(file.facts.get("tokenizer.ggml.pre", "default"))
    before = _pre_tokenizer(kind)
    if file.facts.get("tokenizer.ggml.model") != "gpt2" or before is None:
        return None
    tokens, merges = _texts(file, "tokens"), _texts(file, "merges")
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    if len(tokens) > vocab or len(set(tokens)) != len(tokens) or any(len(pair) != 2 for pair in pairs):
        raise BadCheckpoint(f"{file.path}: its vocabulary of {len(tokens)} tokens does not fit the model's {vocab}")
    ids = {token: index for index, token in enumerate(tokens)}
    try:
        tokenizer = Tokenizer(BPE(ids, cast("list[tuple[str, str]]", pairs), ignore_merges=kind == "llama-bpe"))
    except Exception as error:  # the library raises bare Exception where a merge names no token
        raise BadCheckpoint(f"{file.path}: its vocabulary is damaged ({quote(error)}); fetch it again") from None
    tokenizer.pre_tokenizer = before
    tokenizer.decoder = decoders.ByteLevel()
    types: Any = file.facts.get("tokenizer.ggml.token_type", [])
    special = [token for token, kind in zip(tokens, types, strict=False) if kind in (CONTROL, USER)]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    bos: Any = file.facts.get("tokenizer.ggml.bos_token_id")
    begins = file.facts.get("tokenizer.ggml.add_bos_token", False) is True
    return Tokens(tokenizer, bos if begins and type(bos) is int and 0 <= bos < len(tokens) else None)


def _texts(file: GGUF, name: str) -> list[str]:
    found: Any = file.facts.get(f"tokenizer.ggml.{name}")
    if not isinstance(found, list) or not all(type(one) is str for one in cast("list[Any]", found)):
        raise BadCheckpoint(f"{file.path} carries no readable {name} of its tokenizer; fetch it again")
    return cast("list[str]", found)
