"""The entries of a tokenizer_config.json that change ids; tokenizer.json itself defines how text is split.

Entries are applied as ``transformers`` applies them, refused if the two files contradict each other, or have no effect.
Tokenizer classes that split text by their own vocabulary and code are not followed: tokenizer.json defines the split.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from tokenizers import AddedToken, Tokenizer

from loadstore.errors import BadCheckpoint
from loadstore.quote import quote
from loadstore.tokenizer.guarded import guarded
from loadstore.tokenizer.tokens import Tokens

SPACED = ("GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer")  # take a prefix from the config, none by default
IMPLIED = {
    **dict.fromkeys(("gpt2", "gpt_neo", "gptj", "opt", "phi", "starcoder2"), "GPT2Tokenizer"),
    **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"), "Qwen2Tokenizer"),
    **dict.fromkeys(("gpt_neox", "mpt", "olmo", "olmoe"), "GPTNeoXTokenizer"),
}
OFF = ("split_special_tokens", "fix_mistral_regex")  # options that would change ids and are not supported
NAMED = tuple(f"{name}_token" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
LISTED = ("additional_special_tokens", "extra_special_tokens")
FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


def as_stated(tokens: Tokens, config: Mapping[str, Any], model: object, where: str) -> Tokens:
    """Apply a tokenizer's config to it.

    Args:
        tokens: A tokenizer used by nothing else; it is modified.
        config: The content of tokenizer_config.json.
        model: The ``model_type`` of the model, which implies a class if the config names none.
        where: The tokenizer's file, for error messages.

    Returns:
        The tokenizer, with the config's special tokens and its choice of a leading space.

    Raises:
        BadCheckpoint: The two files contradict each other, or the config asks for something unsupported.
    """
    for name in OFF:
        if config.get(name) not in (None, False):
            raise _refused(where, f"{name} = {quote(config[name], 40)}, which is not supported; set it to false")
    with guarded(lambda why: _refused(where, f"something of its tokens that cannot be done ({why})")):
        _add(tokens.tokenizer, config, where)
    own, stated = _puts_space(tokens.tokenizer), config.get("add_prefix_space")
    kind = str(config.get("tokenizer_class") or IMPLIED.get(str(model))).removesuffix("Fast")
    if stated is not None and type(stated) is not bool:
        raise _refused(where, f"add_prefix_space = {quote(stated, 40)}, expected true or false")
    wanted = bool(stated) if kind in SPACED else stated
    if wanted is None or own is None or wanted == own:
        return tokens
    level = _level(tokens.tokenizer) if kind in SPACED else None
    if level is None:
        raise _refused(where, f"add_prefix_space = {wanted}, and its tokenizer.json has {own}; correct one of them")
    level.add_prefix_space = wanted
    return replace(tokens, most=tokens.most // 2 if wanted else tokens.most)


def _add(tokenizer: Tokenizer, config: Mapping[str, Any], where: str) -> None:
    """Add the config's tokens that tokenizer.json has only as words. Raises BadCheckpoint for unknown ones."""
    known_tokens = {str(token.content) for token in tokenizer.get_added_tokens_decoder().values()}
    stated = config.get("added_tokens_decoder") or {}
    if not isinstance(stated, dict):
        raise _refused(where, f"added_tokens_decoder = {quote(stated, 40)}, expected an object")
    for index, token in cast("dict[str, Any]", stated).items():
        name, special = _token(token)
        if name is None or (name not in known_tokens and str(tokenizer.token_to_id(name)) != index):
            raise _refused(
                where, f"token {quote(index, 20)} is '{quote(name, 40)}', which tokenizer.json lacks; add it there"
            )
        if name not in known_tokens:
            tokenizer.add_tokens([special])
    listed = [config.get(name) for name in NAMED]
    for name in LISTED:
        more: object = config.get(name)
        listed += cast("list[Any]", more) if isinstance(more, list) else []
    for token in listed:
        name, special = _token(token)
        if name and name not in known_tokens and tokenizer.token_to_id(name) is not None:
            tokenizer.add_special_tokens([special])


def _token(stated: object) -> tuple[str | None, AddedToken]:
    """A token's text and matching flags, from a text or an object; (None, …) for anything else."""
    facts = cast("dict[str, Any]", stated) if isinstance(stated, dict) else {"content": stated}
    content: object = facts.get("content")
    name = content if isinstance(content, str) else None
    flags = {flag: facts[flag] for flag in FLAGS if type(facts.get(flag)) is bool}
    special = facts.get("special") is not False
    return name, AddedToken(name or "", special=special, **({"normalized": False} | flags))


def _puts_space(tokenizer: Tokenizer) -> bool | None:
    """Whether a space is put before a text; None if no part of the tokenizer decides it."""
    for part in (*_parts(tokenizer.normalizer, "normalizers"), *_parts(tokenizer.pre_tokenizer, "pretokenizers")):
        match part.get("type"):
            case "Prepend":
                return True
            case "ByteLevel" if "add_prefix_space" in part:
                return bool(part["add_prefix_space"])
            case "Metaspace":
                return part.get("prepend_scheme") != "never"
            case "Replace" if part.get("pattern") == {"String": " "} and not _parts(tokenizer.pre_tokenizer, ""):
                return False
            case _:
                pass
    return None


def _parts(part: Any, inside: str) -> list[dict[str, Any]]:
    """The parts of a normalizer or pre-tokenizer, in the form of tokenizer.json."""
    if part is None:
        return []
    stated: dict[str, Any] = json.loads(part.__getstate__())
    return cast("list[dict[str, Any]]", stated.get(inside, [stated]))


def _level(tokenizer: Tokenizer) -> Any:
    """The byte level of a split if it comes first or after one pattern, as in those classes; else None."""
    pre: Any = tokenizer.pre_tokenizer
    match [part.get("type") for part in _parts(pre, "pretokenizers")]:
        case ["ByteLevel"]:
            return pre if hasattr(pre, "add_prefix_space") else pre[0]
        case ["Split", "ByteLevel"]:
            return pre[1]
        case _:
            return None


def _refused(where: str, why: str) -> BadCheckpoint:
    return BadCheckpoint(f"{where}: its tokenizer_config.json says {why}, or remove it and pass token ids")
