"""The BOS policy of a tokenizer: as stated in the model's files, always, or never.

*model* follows the reference of each layout. For Hugging Face folders that is their tokenizer: the token that its
post-processor puts first. TransformerLens puts BOS, or end-of-text, before every text; checkpoints in its naming do the
same.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tokenizers import Tokenizer

from loadstore.errors import BadCheckpoint, BadPrompt, BadRequest
from loadstore.jsonfile import MOST, json_object
from loadstore.quote import quote
from loadstore.reading import reads
from loadstore.tokenizer.guarded import guarded
from loadstore.tokenizer.tokenfacts import as_stated
from loadstore.tokenizer.tokens import Tokens

Bos: TypeAlias = bool | Literal["model"]
Rule: TypeAlias = Literal["reference", "always", "never"]
NAMES = ("<|bos|>", "<|endoftext|>", "<s>", "<|begin_of_text|>", "<|BOS|>")
TRIED = 20  # texts to try
UNSURE = (
    "its tokenizer_config.json says add_bos_token = true and its tokenizer.json puts nothing first, which versions of "
    "transformers read differently; pass bos=True (--bos yes) or bos=False (--bos no)"
)


def as_bos(bos: object) -> Bos:
    """Parse ``"model"``, True or False. Raises BadRequest."""
    if isinstance(bos, bool) or bos == "model":
        return bos if isinstance(bos, bool) else "model"
    raise BadRequest(
        f"bos={quote(repr(bos), 40)}: expected 'model' (what its files say), True (always) or False (never)"
    )


def with_bos(tokens: Tokens | None, bos: Bos, model: str) -> Tokens | None:
    """Apply a BOS policy.

    Raises BadRequest if True finds no BOS token, BadCheckpoint if the model's files leave BOS undecided.
    """
    if bos == "model" and tokens is not None and tokens.unsure:
        raise BadCheckpoint(f"{model}: {tokens.unsure}")
    if bos == "model" or (tokens is None and bos is False):
        return tokens
    if tokens is None:
        raise BadRequest(
            f"bos=True: {model} has no tokenizer, so no text to begin; leave it out, and put the id first in your list"
        )
    if bos is False:
        return replace(tokens, bos=None, asked=True, unsure="")
    usual = (tokens.tokenizer.token_to_id(name) for name in NAMES)
    first = next((token for token in (tokens.bos, tokens.own, *usual) if token is not None), None)
    if first is None:
        raise BadRequest(
            f"bos=True: the tokenizer of {model} has no BOS and no end-of-text token; leave it out, "
            "or pass token ids that begin as you want"
        )
    return replace(tokens, bos=first, asked=True, unsure="")


def tokens_in(folder: Path, vocab: int, rule: Rule) -> Tokens | None:
    """Read a folder's ``tokenizer.json`` and the BOS entries of its ``tokenizer_config.json``. Raises BadCheckpoint."""
    path, beside = folder / "tokenizer.json", folder / "tokenizer_config.json"
    if not path.exists():
        return None
    reads(path)
    try:
        if (size := path.stat().st_size) > MOST:
            raise BadCheckpoint(f"{path} has {size:,} bytes, expected at most {MOST:,}; repair or remove it")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"{path} cannot be read ({quote(error)}); repair or remove it") from None
    config = json_object(beside, str(beside), "repair or remove it") if beside.exists() else {}
    about = folder / "config.json"
    model = json_object(about, str(about), "repair or remove it").get("model_type") if about.exists() else None
    return begun(Tokens.from_json(text, None, vocab, str(path)), config, rule, str(path), model)


def begun(tokens: Tokens, config: Mapping[str, Any], rule: Rule, where: str, model: object = None) -> Tokens:
    """Return the tokenizer with its BOS, from its config and its post-processor. Raises BadCheckpoint."""
    tokens = as_stated(tokens, config, model, where)
    put = put_first(tokens.tokenizer)
    stated = _stated(config)
    own = None if stated is None else tokens.tokenizer.token_to_id(stated)
    begins = rule == "always"
    if begins and stated is not None and own is None:
        raise BadCheckpoint(f"{where} has no token '{quote(stated, 40)}', which its tokenizer_config.json puts first")
    if rule == "reference" and len(put) > 1:
        raise BadCheckpoint(
            f"{where} puts {len(put)} tokens before every text, expected one BOS; remove its post_processor "
            "and pass token ids"
        )
    if own is None and stated is None:
        usual = (tokens.tokenizer.token_to_id(name) for name in NAMES)
        own = next((token for token in usual if token is not None), None)
    if rule == "reference" and put:
        return replace(tokens, bos=put[0], own=put[0])
    unsure = rule == "reference" and config.get("add_bos_token") is True
    return replace(tokens, bos=own if begins else None, own=own, unsure=UNSURE if unsure else "")


def put_first(tokenizer: Tokenizer) -> list[int]:
    """The ids that a tokenizer's post-processor puts before a text, found by encoding sample texts."""
    for text in ("a", *islice(tokenizer.get_vocab(), TRIED)):
        with suppress(BadPrompt), guarded(BadPrompt):  # the vocabulary may be unable to encode the text
            seen = tokenizer.encode(text)
            if 0 in seen.special_tokens_mask:
                return seen.ids[: seen.special_tokens_mask.index(0)]
    return []


def _stated(config: Mapping[str, Any]) -> str | None:
    """The BOS or end-of-text token of a tokenizer_config.json, given as text or as an object with ``content``."""
    for key in ("bos_token", "eos_token"):
        token: object = config.get(key)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            return token
    return None
