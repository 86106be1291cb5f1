"""Text decoders inside models of images and text: their own config, and their tensors under the names of a text model.

The parts for images are left out, and named in ``Weights.unread``. For prompts of text the decoder is the whole model.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.huggingface import Facts
from loadstore.checkpoints.families.shared_keys import COMMON, GENERATION, METADATA, TRAINING, names
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.model.weights import Weights
from loadstore.quote import quote, some

Family: TypeAlias = Callable[[Checkpoint, Facts], Weights]
PREFIXES = (("language_model.model.", "model."), ("language_model.lm_head.", "lm_head."), ("language_model.", "model."))
IMAGES = re.compile(r"(?:model\.)?(vision_tower|vision_model|visual|multi_modal_projector)\.")


@dataclass(frozen=True)
class Wrapper:
    """One kind of model around a text decoder.

    ``kinds``: which kinds of decoder it may hold, the usual one first. ``beside``: keys of its config about other
    inputs. ``usual``: defaults of the decoder's config where its family has others. ``flat``: whether the keys of the
    decoder may be beside those of the whole model.
    """

    kinds: tuple[str, ...]
    beside: frozenset[str]
    usual: Mapping[str, object] = field(default_factory=dict[str, object])
    flat: bool = False


WRAPPERS: Mapping[str, Wrapper] = {
    "gemma3": Wrapper(
        ("gemma3_text",),
        names("""
            boi_token_id boi_token_index eoi_token_id eoi_token_index image_token_id image_token_index
            mm_tokens_per_image vision_config
        """),
    ),
    "mistral3": Wrapper(
        ("mistral",),
        names("""
            image_token_id image_token_index multimodal_projector_bias projector_hidden_act spatial_merge_size
            vision_config vision_feature_layer
        """),
    ),
    "qwen2_5_vl": Wrapper(
        ("qwen2",),
        names("image_token_id video_token_id vision_config vision_end_token_id vision_start_token_id vision_token_id"),
        {
            "vocab_size": 152064,
            "hidden_size": 8192,
            "intermediate_size": 29568,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "rms_norm_eps": 1e-5,
            "rope_theta": 1_000_000.0,
            "max_window_layers": 80,
        },
        flat=True,
    ),
}
NAMED = {"qwen2_5_vl_text": "qwen2"}  # decoders that are one of a family by another name
OUTER = GENERATION | METADATA | TRAINING | names("text_config tie_word_embeddings")


def unwrapped(
    build: Callable[[str], Callable[[Checkpoint, Facts], Weights]], around: Wrapper
) -> Callable[..., Weights]:
    """Return a family for models of one kind around a decoder; ``build``: the family of a kind of decoder."""

    def built(checkpoint: Checkpoint, facts: Facts) -> Weights:
        config, ignore = text_config(facts, around)
        tensors, unread = text_tensors(checkpoint)
        config["tie_word_embeddings"] = _tied(facts, config, tensors)
        inner = replace(checkpoint, tensors=tensors, config=config)
        return replace(build(config["model_type"])(inner, Facts(inner, config, ignore)), unread=unread)

    return built


def text_config(facts: Facts, around: Wrapper) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The config of the decoder, and which of the keys to ignore are its own. Raises NotThisModel, BadCheckpoint."""
    where, outer = facts.checkpoint.path, {k: v for k, v in facts.config.items() if k not in facts.ignore}
    stated: object = outer.get("text_config")
    if stated is None and around.flat:
        stated = {key: value for key, value in outer.items() if key not in around.beside | METADATA - {"dtype"}}
    elif strange := sorted(key for key in set(outer) - OUTER - around.beside if not _is_neutral(key, outer[key])):
        raise NotThisModel(
            f"{where}: its config says {quote(strange[0], 60)} = {quote(outer[strange[0]], 60)}, a key that loadstore "
            f"does not know for this kind of model; if it makes no difference, load the model with "
            f"ignore=[{some([repr(quote(key, 60)) for key in strange])}], or remove it from the config"
        )
    if not isinstance(stated, dict):
        raise BadCheckpoint(f"{where}: its config states no text_config, an object; download it again")
    config: dict[str, Any] = {**around.usual, **cast("dict[str, Any]", stated)}
    kind = config.get("model_type", around.kinds[0])
    config["model_type"] = NAMED.get(str(kind), kind)
    if config["model_type"] not in around.kinds:
        raise NotThisModel(
            f"{where}: its text_config says model_type = {quote(kind, 40)}, which is not supported in a "
            f"{quote(facts.kind, 40)} model; supported: {some(list(around.kinds))}"
        )
    if "rope_theta" in around.usual and _base_inside(config):
        del config["rope_theta"]
    for name in ("rope_parameters", "rope_scaling"):
        rope: Any = config.get(name)
        config |= {name: _plain(rope)} if isinstance(rope, dict) else {}
    return config, tuple(key for key in facts.ignore if key not in facts.config or key in config)


def text_tensors(checkpoint: Checkpoint) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The decoder's tensors by the names of a text model, and the parts that are left out."""
    tensors: dict[str, torch.Tensor] = {}
    left: set[str] = set()
    for name, tensor in checkpoint.tensors.items():
        if (image := IMAGES.match(name)) is not None:
            left.add(image[1])
            continue
        bare = name.removeprefix("model.") if name.startswith("model.language_model.") else name
        for prefix, new in PREFIXES:
            if bare.startswith(prefix):
                bare = new + bare.removeprefix(prefix)
                break
        if bare in tensors:
            raise BadCheckpoint(f"{checkpoint.path} has two tensors for '{quote(bare)}'; download it again")
        tensors[bare] = tensor
    return tensors, tuple(sorted(left))


def _is_neutral(key: str, value: object) -> bool:
    """Whether a key of the outer config has the value that changes nothing."""
    return any(value is choice for choice in COMMON.neutral.get(key, ()))


def _tied(facts: Facts, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> object:
    """Whether the unembedding is the embedding: as either config states, else as the tensors are."""
    for stated in (facts.config, config):
        if "tie_word_embeddings" in stated:
            return stated["tie_word_embeddings"]
    own, embedding = tensors.get("lm_head.weight"), tensors.get("model.embed_tokens.weight")
    return own is None or (embedding is not None and own.shape == embedding.shape and torch.equal(own, embedding))


def _base_inside(config: Mapping[str, Any]) -> bool:
    """Whether an object of rotary parameters states the base, so that the default is not needed."""
    objects = [config.get(name) for name in ("rope_parameters", "rope_scaling")]
    return any(isinstance(each, dict) and "rope_theta" in each for each in objects)


def _plain(rope: dict[str, Any]) -> dict[str, Any]:
    """Rotary parameters without the sections for the axes of images: the positions of text are the same on each."""
    if rope.get("rope_type", rope.get("type")) != "mrope" and "mrope_section" not in rope:
        return rope
    kept = {key: value for key, value in rope.items() if key != "mrope_section"}
    return {key: "default" if value == "mrope" else value for key, value in kept.items()}
