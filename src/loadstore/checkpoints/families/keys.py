"""Which keys of a config.json are read, which are refused unless neutral, and which change no number.

A key that is in none of the three is refused by name. ``key_tables`` has the keys of every family.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.scaling import used
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.quote import quote, some

TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a name",
    float: "a number with a decimal point",
    list: "a list",
    dict: "an object",
}
DEFAULTS = (bool, int, str)  # types of defaults that a value must share
UNREAD: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("bos_token_id", "pad_token_id", "chunk_size_feed_forward", "pretraining_tp"), (int,)),
    **dict.fromkeys(("initializer_range", "init_std"), (float,)),
    **dict.fromkeys(("use_cache", "return_dict", "output_hidden_states", "reorder_and_upcast_attn"), (bool,)),
    **dict.fromkeys(("attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "learned_pos_emb"), (bool,)),
    **dict.fromkeys(("id2label", "label2id"), (dict,)),
    "architectures": (list,),
    "eos_token_id": (int, list),
    "transformers_version": (str,),
    **dict.fromkeys(("attn_impl", "hidden_act", "init_device", "norm_type"), (str,)),
    **dict.fromkeys(("layerdrop", "routed_scaling_factor"), (int, float)),
    **dict.fromkeys(("embedding_fraction", "router_aux_loss_coef", "router_jitter_noise", "swiglu_limit"), (float,)),
    "output_router_logits": (bool,),
    **dict.fromkeys(("intermediate_size", "n_group", "topk_group"), (int,)),
}
"""Types of keys that are not read, or not in every model, which the reference checks all the same."""


@dataclass(frozen=True)
class Keys:
    """The keys of one family's config.

    ``defaults``: keys that are read, with the default of the reference's config class. ``read``: keys that are read and
    are not fields of that class. ``aliases``: second names of keys that are read. ``neutral``: keys that are refused
    unless they have one of these values. ``silent``: keys that change neither logits nor patterns of a forward pass.
    ``solid``: keys that the reference refuses to be null. ``objects``: tables of the objects that some keys hold.
    """

    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    read: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    neutral: Mapping[str, tuple[object, ...]] = field(default_factory=dict[str, tuple[object, ...]])
    silent: frozenset[str] = frozenset()
    solid: frozenset[str] = frozenset()
    objects: Mapping[str, "Keys"] = field(default_factory=dict[str, "Keys"])

    def __or__(self, other: "Keys") -> "Keys":
        """Both tables; what ``other`` reads is no longer refused or silent."""
        taken = other.decisive
        return Keys(
            {**self.defaults, **other.defaults},
            self.read | other.read,
            {**self.aliases, **other.aliases},
            {name: value for name, value in {**self.neutral, **other.neutral}.items() if name not in taken},
            (self.silent | other.silent) - taken,
            self.solid | other.solid,
            {**self.objects, **other.objects},
        )

    @property
    def decisive(self) -> set[str]:
        """The keys that are read."""
        return {*self.defaults, *self.read, *self.aliases}

    @property
    def every(self) -> set[str]:
        """All keys that are in the table."""
        return {*self.defaults, *self.read, *self.aliases, *self.neutral, *self.silent}


def as_ignored(keys: object) -> tuple[str, ...]:
    """``keys`` as keys of a config to ignore. Raises BadRequest unless it is a list of different names."""
    listed = list(cast("Sequence[object]", keys)) if isinstance(keys, list | tuple | set | frozenset) else [None]
    if not all(isinstance(key, str) for key in listed) or len(set(listed)) < len(listed):
        raise BadRequest(f"ignore={keys!r}: expected a list of different keys of the config, as ['key']")
    return tuple(str(key) for key in listed)


def settled(facts: Facts, keys: Keys) -> Facts:
    """Check a config against its family's table and complete it: aliases resolved, defaults filled in.

    Args:
        facts: The config as its file states it, and the keys to ignore.
        keys: The family's table.

    Returns:
        Facts whose config has every key of ``keys.defaults``, and the other keys that are read where they are stated.

    Raises:
        NotThisModel: A key that is unknown, or that changes numbers in a way that is not computed.
        BadCheckpoint: Two keys for one fact that disagree, or a null that the reference refuses.
        BadRequest: A key to ignore that is not in the config, or that is read.
    """
    config = _without_ignored(facts, keys)
    where = facts.checkpoint.path
    if unknown := sorted(set(config) - keys.every):
        others = f" (nor {some(unknown[1:])})" if len(unknown) > 1 else ""
        raise NotThisModel(
            f"{where}: its config says {quote(unknown[0], 60)} = {quote(config[unknown[0]], 60)}, a key that loadstore "
            f"does not know for this kind of model{others}; if it makes no difference, load the model with "
            f"ignore=[{some([repr(quote(key, 60)) for key in unknown])}], or remove it from the config"
        )
    for alias, name in keys.aliases.items():
        if alias in config and not _same(config.setdefault(name, config[alias]), config[alias]):
            raise BadCheckpoint(
                f"{where}: its config says {name} = {quote(config[name], 40)} and {alias} = "
                f"{quote(config[alias], 40)}, two names for one setting; remove one of them"
            )
    for name in sorted(keys.solid & set(config)):
        if config[name] is None:
            raise BadCheckpoint(f"{where}: its config says {name} = null, expected a value; remove it, or give one")
    for name, default in keys.defaults.items():
        value = config.get(name)
        if value is not None and type(default) in DEFAULTS and type(value) is not type(default):
            raise BadCheckpoint(
                f"{where}: its config says {name} = {quote(value, 40)}, expected {TYPES[type(default)]}"
            )
    for name in sorted(keys.every & set(UNREAD) & set(config)):
        value, kinds = config[name], UNREAD[name]
        if value is not None and type(value) not in kinds:
            expected = " or ".join(TYPES[kind] for kind in kinds)
            raise BadCheckpoint(f"{where}: its config says {name} = {quote(value, 40)}, expected {expected}")
    for name, value in config.items():
        if name in keys.silent and _is_dropout(name) and not _is_probability(value):
            raise BadCheckpoint(f"{where}: its config says {name} = {quote(value, 40)}, expected a number from 0 to 1")
    for name, allowed in keys.neutral.items():
        if name in config and not any(_same(config[name], choice) for choice in allowed):
            raise NotThisModel(
                f"{where}: its config says {name} = {quote(config[name], 60)}, which is not supported; "
                f"supported: {some([str(choice) for choice in allowed])}"
            )
    return replace(facts, config={**keys.defaults, **config})


def _without_ignored(facts: Facts, keys: Keys) -> dict[str, Any]:
    """The config without the keys to ignore; ``a.b`` is the key b in the object a."""
    config: dict[str, Any] = {}
    for name, value in facts.config.items():
        config[name] = dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
    for name in facts.ignore:
        holder, _, inner = name.partition(".")
        within: object = config.get(holder) if inner and name not in config else config
        key = inner if within is not config else name
        if not isinstance(within, dict) or key not in within:
            raise BadRequest(
                f"ignore={name!r}: the config of {facts.checkpoint.path} has no such key; leave it out of ignore"
            )
        table = keys if within is config else keys.objects.get(holder)
        reads = used(cast("dict[str, Any]", within)) if table is None else table.decisive
        if key in reads:
            raise BadRequest(
                f"ignore={name!r}: this key of {facts.checkpoint.path} decides what the model computes and is read; "
                "change it in the config instead"
            )
        del cast("dict[str, Any]", within)[key]
    return config


def _is_dropout(name: str) -> bool:
    """Whether a key is the probability of a dropout, which changes nothing in a forward pass."""
    return "dropout" in name or name.endswith("pdrop")


def _is_probability(value: object) -> bool:
    """Whether a dropout can have this probability; null is left to ``Keys.solid``."""
    return value is None or (type(value) in (int, float) and 0 <= cast("float", value) <= 1)


def _same(value: object, other: object) -> bool:
    """Equality that distinguishes true from 1 and false from 0."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)
