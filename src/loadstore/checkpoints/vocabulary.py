"""A tokenizer from the vocabulary in a GGUF file: byte-level BPE, or SentencePiece's BPE by scores.

The rule that splits text before merges is only named in the file (``tokenizer.ggml.pre``); names and rules are those of
llama.cpp. If a tokenizer cannot be reproduced exactly, none is loaded and prompts must be token ids.
"""

import math
from typing import Any, cast

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from loadstore.checkpoints.gguf import GGUF
from loadstore.errors import BadCheckpoint
from loadstore.quote import quote, some
from loadstore.tokenizer.guarded import guarded
from loadstore.tokenizer.splits import LLAMA3, QWEN2, TEKKEN
from loadstore.tokenizer.tokens import Tokens
from loadstore.tokenizer.vetting import vet_names
from loadstore.tokenizer.work import Unbounded

PREFIX = "tokenizer.ggml."
READ = frozenset(
    (
        *("model", "pre", "tokens", "token_type", "scores", "merges", "bos_token_id", "unknown_token_id"),
        *("add_bos_token", "add_space_prefix"),
    )
)
IDLE = frozenset(  # no effect on prompt ids in these two kinds of vocabulary, as no end token is added
    (
        *("token_type_count", "add_eos_token", "add_sep_token", "remove_extra_whitespaces", "precompiled_charsmap"),
        *(f"{name}_token_id" for name in ("eos", "eot", "eom", "seperator", "padding", "cls", "mask")),
        *(f"{name}_token_id" for name in ("prefix", "suffix", "middle")),
        *(f"fim_{name}_token_id" for name in ("pre", "suf", "mid", "pad", "rep", "sep")),
    )
)
NORMAL, CONTROL, USER, BYTE = 1, 3, 4, 6
RUN = -1  # of spaces; not a type of the format
SPACED = ("gemma", "gemma2", "gemma3")  # architectures whose files contain runs of spaces literally
MOST_PIECE = 128  # characters
SPLITS = {
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3", "smaug-bpe"), LLAMA3),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "megrez"), QWEN2),
    "tekken": TEKKEN,
}
PLAIN = ("default", "gpt-2", "phi-2", "olmo", "mpt")  # split like GPT-2
DIGITS = ("smollm", "starcoder", "refact")  # and every digit separately
WHOLE = ("llama-bpe", "llama3", "llama-v3", "falcon3", "tekken")  # a word that is a token is not merged; BOS by default


def tokens_of(file: GGUF, vocab: int) -> Tokens | str:
    """Return the tokenizer of a file, or why there is none. Raises BadCheckpoint if the vocabulary is damaged."""
    names = [key.removeprefix(PREFIX) for key in file.facts if key.startswith(PREFIX)]
    if unknown := [PREFIX + name for name in names if name not in READ | IDLE]:
        return f"its file states {some(unknown)}, which loadstore does not know and which may change ids"
    match file.facts.get("tokenizer.ggml.model"):
        case "gpt2":
            return _byte_level(file, vocab)
        case "llama":
            return _sentencepiece(file, vocab)
        case None:
            return "its file has no vocabulary"
        case other:
            return f"its vocabulary is of the kind '{quote(other, 40)}'; supported are gpt2 (byte-level BPE) and llama"


def _byte_level(file: GGUF, vocab: int) -> Tokens | str:
    kind = str(file.facts.get("tokenizer.ggml.pre", "default"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind not in SPLITS)
    if kind in SPLITS:
        before = [pre_tokenizers.Split(Regex(SPLITS[kind]), behavior="isolated", invert=False), level]
    elif kind in DIGITS:
        before = [pre_tokenizers.Digits(individual_digits=True), level]
    elif kind in PLAIN:
        before = [level]
    else:
        supported = ", ".join((*PLAIN, *DIGITS, *SPLITS))
        return (
            f"its file asks for the pre-tokenizer '{quote(kind, 40)}', which is not supported; supported are "
            f"{supported}"
        )
    tokens = _tokens(file, vocab)
    merges = [tuple(merge.split(" ", 1)) for merge in _texts(file, "merges")]
    tokenizer = _bpe(file, tokens, merges, ignore_merges=kind in WHOLE)
    if SPLITS.get(kind) == QWEN2:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(before)
    tokenizer.decoder = decoders.ByteLevel()
    stated = "tokenizer.ggml.token_type" in file.facts
    types = _numbers(file, "token_type", len(tokens)) if stated else [NORMAL] * len(tokens)
    return _spoken(file, tokenizer, tokens, types, begins=kind in WHOLE)


def _sentencepiece(file: GGUF, vocab: int) -> Tokens | str:
    """Merge pieces by their scores, best first; text that no piece covers is encoded byte by byte.

    A user-defined piece that a text can contain is matched before any merge, so its score does not matter. In Gemma's
    files runs of spaces are such pieces: they are spelled "▁▁" and merged before all others, in the order of their ids.
    """
    tokens = [*_tokens(file, vocab)]
    scores, types = _numbers(file, "scores", len(tokens)), [*_numbers(file, "token_type", len(tokens))]
    if BYTE not in types:
        return "its vocabulary has no byte tokens for text that its pieces do not cover"
    runs: list[str] = []
    if file.facts.get("general.architecture") in SPACED:
        for index, (token, kind) in enumerate(zip(tokens, types, strict=True)):
            if kind == USER and token and not token.strip(" "):
                tokens[index], types[index] = "▁" * len(token), RUN
                runs.append(tokens[index])
        if len(set(tokens)) < len(tokens):
            return "its vocabulary has a run of spaces twice"
    score = {
        token: value
        for token, value, kind in zip(tokens, scores, types, strict=True)
        if kind not in (CONTROL, BYTE, RUN) and (kind != USER or "▁" in token)
    }
    cuts = sorted(_cuts([(token, -value) for token, value in score.items()], {*score, *runs}))
    merged = {left + right: value for value, _, left, right in cuts}
    if len(set(merged.values())) < len(merged):
        return "several of its pieces have one score, so their order is not defined"
    before = _cuts([(token, float(rank)) for rank, token in enumerate(runs)], {*score, *runs})
    pairs = [(left, right) for _, _, left, right in (*before, *cuts)]
    unknown = file.facts.get("tokenizer.ggml.unknown_token_id")
    name = tokens[unknown] if type(unknown) is int and 0 <= unknown < len(tokens) else None
    tokenizer = _bpe(file, tokens, pairs, unk_token=name, fuse_unk=True, byte_fallback=True)
    prefix = _flag(file, "add_space_prefix", default=True)
    spaces = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefix else spaces
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return _spoken(file, tokenizer, tokens, types, begins=True)


def _cuts(ranked: list[tuple[str, float]], pieces: set[str]) -> list[tuple[float, int, str, str]]:
    """Every way to merge a piece from two others, with the piece's rank and the position of the split."""
    return [
        (rank, cut, token[:cut], token[cut:])
        for token, rank in ranked
        for cut in range(1, len(token) if len(token) <= MOST_PIECE else 0)
        if token[:cut] in pieces and token[cut:] in pieces
    ]


def _bpe(file: GGUF, tokens: list[str], merges: list[Any], **how: Any) -> Tokenizer:
    if any(len(pair) != 2 for pair in merges):
        raise BadCheckpoint(f"{file.path}: its tokenizer has merges that are not pairs; download it again")
    with guarded(lambda why: BadCheckpoint(f"{file.path}: its vocabulary is damaged ({why}); download it again")):
        return Tokenizer(BPE({token: index for index, token in enumerate(tokens)}, merges, **how))


def _spoken(file: GGUF, tokenizer: Tokenizer, tokens: list[str], types: list[Any], *, begins: bool) -> Tokens | str:
    """Add the tokens that match as a whole, and the BOS of a prompt."""
    whole = [token for token, kind in zip(tokens, types, strict=True) if kind in (CONTROL, USER) and token]
    try:
        vet_names(whole)
    except Unbounded as error:
        raise BadCheckpoint(f"{file.path}: its vocabulary cannot be used: {error}; download it again") from None
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in whole])
    own: Any = file.facts.get("tokenizer.ggml.bos_token_id")
    if own is not None and (type(own) is not int or not 0 <= own < len(tokens)):
        raise BadCheckpoint(
            f"{file.path} begins texts with token {quote(own, 40)}, expected an id below {len(tokens)}; download it "
            "again"
        )
    first = _flag(file, "add_bos_token", default=begins)
    if first and own is None:
        return "its file begins texts with a token and does not state which (tokenizer.ggml.bos_token_id)"
    return Tokens(tokenizer, own if first else None, own)


def _flag(file: GGUF, name: str, *, default: bool) -> bool:
    value: object = file.facts.get(PREFIX + name, default)
    if type(value) is not bool:
        raise BadCheckpoint(f"{file.path} states {PREFIX}{name} = {quote(value, 40)}, expected true or false")
    return value


def _tokens(file: GGUF, vocab: int) -> list[str]:
    tokens = _texts(file, "tokens")
    if len(tokens) > vocab or len(set(tokens)) != len(tokens):
        raise BadCheckpoint(
            f"{file.path}: its vocabulary of {len(tokens)} tokens, {len(set(tokens))} of them different, does not fit "
            f"the model's {vocab}; download it again"
        )
    return tokens


def _texts(file: GGUF, name: str) -> list[str]:
    texts: Any = file.facts.get(f"tokenizer.ggml.{name}")
    if not isinstance(texts, list) or not all(type(item) is str for item in cast("list[Any]", texts)):
        raise BadCheckpoint(f"{file.path} has no readable {name} of its tokenizer; download it again")
    return cast("list[str]", texts)


def _numbers(file: GGUF, name: str, count: int) -> list[Any]:
    numbers: Any = file.facts.get(f"tokenizer.ggml.{name}")
    if not isinstance(numbers, list) or len(cast("list[Any]", numbers)) != count:
        raise BadCheckpoint(f"{file.path} carries no {name} of its {count} tokens; download it again")
    if not all(type(number) in (int, float) and math.isfinite(number) for number in cast("list[Any]", numbers)):
        raise BadCheckpoint(f"{file.path} has {name} of its tokens that are not numbers; download it again")
    return cast("list[Any]", numbers)
