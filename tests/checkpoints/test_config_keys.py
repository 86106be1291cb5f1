"""The tables of keys against the config classes and the modelling code of the installed `transformers`."""

import importlib
import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from config_verdicts import compared
from each import each
from hostile import unchecked
from reference_models import SHAPES, library, reference, save

import loadstore as ls
from loadstore.checkpoints.families.keys import Keys
from loadstore.checkpoints.families.scaling import ALWAYS, USED
from loadstore.checkpoints.families.table import FAMILIES, MODULES
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, BadRequest, NotThisModel
from loadstore.figures.facts import facts

KEYS: dict[str, Keys] = {kind: keys for module in MODULES for kind, keys in module.KEYS.items()}
KINDS = ("sliding_attention", "full_attention")
OF_LAYERS = {"get_text_config", "to_dict"}  # methods
UNUSED = {  # read by the modelling code of heads that no language model has, or of what its class excludes
    *("summary_last_dropout", "summary_type"),
    "_is_quantized",  # asked where attention is FlashAttention
    "is_heterogeneous",  # a property of per_layer_config
    *("image_token_id", "mm_tokens_per_image", "text_config", "vision_config"),  # of a config around a text model's
}
OTHER_SCALINGS = {  # of rotary scalings that are not computed
    *("short_factor", "long_factor", "mrope_section"),
}


def config_class(kind: str) -> Any:
    return library().CONFIG_MAPPING[kind]


def test_every_family_has_a_table() -> None:
    assert set(KEYS) == set(FAMILIES)


@each("kind", FAMILIES)
def test_every_field_of_the_reference_is_in_the_table(kind: str) -> None:
    names = {field.name for field in fields(config_class(kind))} | set(config_class(kind).attribute_map)
    assert sorted(names - KEYS[kind].every) == []


@each("kind", FAMILIES)
def test_aliases_and_defaults_are_those_of_the_reference(kind: str) -> None:
    assert KEYS[kind].aliases == config_class(kind).attribute_map
    theirs = {field.name: field.default for field in fields(config_class(kind)) if field.default is not MISSING}
    ours = KEYS[kind].defaults
    assert {name: theirs[name] for name in ours} == ours
    assert {name: type(theirs[name]) for name in ours} == {name: type(one) for name, one in ours.items()}
    unread = set(theirs) - set(ours)
    refused = {name: one for name, one in theirs.items() if name in KEYS[kind].neutral}
    assert all(one in KEYS[kind].neutral[name] for name, one in refused.items())  # a default is never refused
    assert unread <= set(KEYS[kind].neutral) | KEYS[kind].silent | set(KEYS[kind].aliases)


@each("kind", FAMILIES)
def test_null_is_refused_where_the_reference_refuses_it(kind: str) -> None:
    for field in fields(config_class(kind)):  # a type in quotes is not checked by the reference
        takes = "None" in str(field.type) or isinstance(field.type, str)
        assert (field.name in KEYS[kind].solid) is not takes, field.name


@each("kind", FAMILIES)
def test_a_key_is_treated_in_one_way(kind: str) -> None:
    table = KEYS[kind]
    groups = [{*table.defaults, *table.read}, {*table.aliases}, {*table.neutral}, {*table.silent}]
    assert sum(map(len, groups)) == len(table.every)


@each("kind", FAMILIES)
def test_every_key_that_the_reference_takes_or_reads_is_in_the_table(kind: str) -> None:
    """Keys that are no fields: what constructors take besides, and what modelling code asks of a config."""
    modelling = importlib.import_module("transformers.models.{0}.modeling_{0}".format(kind.removesuffix("_text")))
    masking = importlib.import_module("transformers.masking_utils")
    configs = importlib.import_module("transformers.configuration_utils")
    rope = importlib.import_module("transformers.modeling_rope_utils").RotaryEmbeddingConfigMixin
    taken = inspect.getsource(configs.PreTrainedConfig.__post_init__) + inspect.getsource(config_class(kind))
    taken += inspect.getsource(rope.convert_rope_params_to_dict) if KEYS[kind].every & {"rope_parameters"} else ""
    code = inspect.getsource(modelling) + inspect.getsource(masking)
    asked = set(re.findall(r'kwargs\.(?:pop|get|setdefault)\("(\w+)"', taken))
    asked |= set(re.findall(r"\bconfig\.([a-z_]+)\b(?!\()", code))
    asked |= set(re.findall(r'(?:getattr|hasattr)\((?:self\.)?config, "(\w+)"', code))
    if "rope_parameters" not in KEYS[kind].every:
        asked -= {"rope_parameters", "rope_scaling", "rope_theta"}  # of classes that turn
    assert sorted(asked - KEYS[kind].every - UNUSED - OF_LAYERS) == []


def test_every_rotary_parameter_is_read_or_of_a_scaling_that_is_refused() -> None:
    theirs = importlib.import_module("transformers.modeling_rope_utils").RopeParameters.__annotations__
    ours = {*ALWAYS, *(name for names in USED.values() for name in names)} - {"type"}
    assert ours.isdisjoint(OTHER_SCALINGS)
    assert set(theirs) == ours | OTHER_SCALINGS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = next(one for one in SHAPES if one.name == "llama-groups-of-two")
    return save(reference(shape), tmp_path_factory.mktemp("keys") / "model")


def stated(folder: Path, **more: Any) -> Any:
    """A live model whose config says more than its class has."""
    model = library().AutoModelForCausalLM.from_pretrained(folder)
    for name, value in more.items():
        setattr(model.config, name, value)
    return model


def test_an_unknown_key_is_refused_by_name_with_a_way_on(folder: Path) -> None:
    model = stated(folder, attention_sinks=4, layer_scale=0.5)
    with pytest.raises(NotThisModel, match=r"attention_sinks = 4, .*nor layer_scale.*ignore=\['attention_sinks', "):
        load(model)
    with pytest.raises(NotThisModel, match=r"layer_scale = 0\.5"):
        load(model, ignore=["attention_sinks"])
    ours = ls.load(model, ignore=["attention_sinks", "layer_scale"])
    assert ours.ignored == ("attention_sinks", "layer_scale")
    assert ("ignored in the config", "attention_sinks, layer_scale") in facts(ours)
    assert all(row[0] != "ignored in the config" for row in facts(load(folder)))


def test_nulls_that_the_reference_of_gemma_3_cannot_compute_with_are_refused() -> None:
    shape = next(shape for shape in SHAPES if shape.name == "gemma3-none-local")
    config = {"model_type": shape.kind, **shape.facts}
    assert compared(config).word == "agree"
    sliding, full = ({kind: None, other: {"rope_type": "default"}} for kind, other in (KINDS, KINDS[::-1]))
    for more in ({"sliding_window": None}, {"rope_parameters": sliding}, {"rope_parameters": full}):
        found = compared(config | more, config)
        assert found.word in ("both", "refused"), more
        assert "null; " in found.why
    derived = {key: value for key, value in config.items() if key != "layer_types"}
    found = compared(derived | {"sliding_window_pattern": None}, derived)
    assert found.word in ("both", "refused")
    assert "sliding_window_pattern = null; " in found.why


@each(
    ("kind", "more", "why"),
    [
        ("opt", {"layerdrop": "2"}, "layerdrop = 2, expected"),
        ("mpt", {"attn_config": {"attn_impl": None}}, "attn_impl = null, expected a value"),
    ],
)
def test_values_without_effect_that_the_reference_refuses_are_refused(kind: str, more: Any, why: str) -> None:
    shape = next(shape for shape in SHAPES if shape.kind == kind)
    config = {"model_type": kind, **shape.facts}
    assert compared(config).word == "agree"
    found = compared(config | more, config)
    assert found.word == "both"
    assert why in found.why


def test_a_key_inside_an_object_is_ignored_by_its_path(folder: Path) -> None:
    model = stated(folder)
    model.config.rope_parameters["pairs"] = "adjacent"
    with pytest.raises(NotThisModel, match=r"ignore=\['rope_parameters\.pairs'\]"):
        load(model)
    assert load(model, ignore=["rope_parameters.pairs"]).architecture == load(folder).architecture


@each(
    ("ignore", "message"),
    [
        (["sinks"], "has no such key"),
        (["rope_parameters.sinks"], "has no such key"),
        (["hidden_size"], "decides what the model computes"),
        (["rope_parameters.rope_theta"], "decides what the model computes"),
        (["use_cache", "use_cache"], "expected a list of different keys"),
        ("use_cache", "expected a list of different keys"),
        ([3], "expected a list of different keys"),
    ],
)
def test_what_cannot_be_ignored_is_said(folder: Path, ignore: Any, message: str) -> None:
    with unchecked(), pytest.raises(BadRequest, match=message):
        load(folder, ignore=ignore)
    with pytest.raises(BadRequest, match=r"is for a config\.json of Hugging Face"):
        load("builtin", ignore=["use_cache"])


def test_biases_that_the_config_denies_are_not_added(folder: Path) -> None:
    """The reference leaves them out; they are no part of the model that the config describes."""
    shape = next(one for one in SHAPES if one.name == "llama-linear-biases")
    model = reference(shape)
    del model.config.attention_bias
    model.config.attention_bias = False
    with pytest.raises(BadCheckpoint, match=r"does not use its tensors .*self_attn\.k_proj\.bias"):
        load(model)
