"""Text decoders inside models of images and text, against `transformers` on prompts of text."""

import json
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from each import each
from hostile import refusal
from reference_models import exact, library, llama_like, outputs, save

import loadstore as ls
from loadstore.checkpoints.families.shared_keys import COMMON
from loadstore.checkpoints.families.wrapped import OUTER, WRAPPERS
from loadstore.checkpoints.library import load
from loadstore.errors import BadCheckpoint, NotThisModel
from loadstore.figures.facts import facts

SMALL = {"hidden_size": 16, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
GEMMA_VISION = {"model_type": "siglip_vision_model", "image_size": 28, "patch_size": 14} | SMALL
PIXTRAL = {"model_type": "pixtral", "image_size": 28, "patch_size": 14, "head_dim": 8} | SMALL
QWEN_VISION = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 12, "out_hidden_size": 24}
GEMMA = llama_like(3, 4, 2, 24, 30, head_dim=8, query_pre_attn_scalar=8, sliding_window=4, pad_token_id=None)
MISTRAL = llama_like(2, 4, 2, 24, 30, head_dim=10, model_type="mistral", sliding_window=None, rms_norm_eps=1e-5)
QWEN = llama_like(2, 4, 2, 24, 30, rms_norm_eps=1e-4)
SECTIONS = {"rope_type": "default", "mrope_section": [1, 1, 1], "rope_theta": 300.0}
WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "gemma 3": ("gemma3", {"text_config": GEMMA, "vision_config": GEMMA_VISION, "mm_tokens_per_image": 4}),
    "gemma 3, untied": ("gemma3", {"text_config": GEMMA, "vision_config": GEMMA_VISION, "tie_word_embeddings": False}),
    "mistral 3": ("mistral3", {"text_config": MISTRAL, "vision_config": PIXTRAL, "tie_word_embeddings": False}),
    "mistral 3, tied": ("mistral3", {"text_config": MISTRAL, "vision_config": PIXTRAL}),
    "qwen 2.5 vl": ("qwen2_5_vl", {"text_config": QWEN | {"rope_parameters": SECTIONS}, "vision_config": QWEN_VISION}),
    "qwen 2.5 vl, tied, windows": (
        "qwen2_5_vl",
        {
            "text_config": QWEN
            | {"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1}
            | {"rope_parameters": SECTIONS},
            "vision_config": QWEN_VISION,
            "tie_word_embeddings": True,
        },
    ),
}


def whole(name: str) -> Any:
    kind, config = WHOLE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = library().AutoConfig.for_model(kind, **json.loads(json.dumps(config)))
        settings._attn_implementation = "eager"
        model = library().AutoModelForImageTextToText.from_config(settings).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def assert_equal(model: ls.Weights, theirs: Any) -> None:
    tokens = torch.randint(90, (2, 9), generator=torch.Generator().manual_seed(1))
    with exact(theirs):
        logits, patterns, _ = outputs(theirs, tokens)
    trace = ls.run(model, tokens, record=True)
    torch.testing.assert_close(trace.logits, logits, rtol=1e-8, atol=1e-8)
    for head in model.architecture.heads:
        torch.testing.assert_close(trace.pattern(head), patterns[head.layer][:, head.index], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", WHOLE)
def test_the_decoder_computes_what_the_whole_model_does_for_text(name: str, tmp_path: Path) -> None:
    theirs = whole(name)
    model = load(theirs)
    assert_equal(model, theirs)
    assert set(model.unread) <= {"vision_tower", "visual", "multi_modal_projector"}
    assert model.unread
    assert dict(facts(model))["not read"].endswith(": parts for images")
    folder = save(theirs, tmp_path / "model")
    assert_equal(load(folder), theirs)


def renamed(folder: Path, *changes: tuple[str, str]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    for old, new in changes:
        tensors = {new + name.removeprefix(old) if name.startswith(old) else name: t for name, t in tensors.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_older_names_of_tensors_and_a_flat_config_are_read(tmp_path: Path) -> None:
    theirs = whole("mistral 3")
    folder = save(theirs, tmp_path / "new")
    renamed(folder, ("model.language_model.", "language_model.model."), ("lm_head.", "language_model.lm_head."))
    renamed(
        folder, ("model.vision_tower.", "vision_tower."), ("model.multi_modal_projector.", "multi_modal_projector.")
    )
    assert_equal(load(folder), theirs)
    theirs = whole("qwen 2.5 vl")
    folder = save(theirs, tmp_path / "flat")
    renamed(folder, ("model.language_model.", "model."), ("model.visual.", "visual."))
    config = json.loads((folder / "config.json").read_text())
    inner = config.pop("text_config")
    rope = {"type": "mrope", "mrope_section": [1, 1, 1]}
    flat = {key: inner[key] for key in {**QWEN, "vocab_size": 0}} | {"rope_theta": 300.0, "rope_scaling": rope}
    (folder / "config.json").write_text(json.dumps(config | flat))
    assert_equal(load(folder), theirs)


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    folder = save(whole("gemma 3"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())

    def stated(**changes: Any) -> None:
        (folder / "config.json").write_text(json.dumps(config | changes))

    stated(strange=3)
    refusal(lambda: load(folder), NotThisModel, "strange = 3", "ignore=['strange']")
    assert load(folder, ignore=["strange"]).ignored == ("strange",)
    stated(text_config=config["text_config"] | {"odd": 1})
    refusal(lambda: load(folder), NotThisModel, "odd = 1")
    assert load(folder, ignore=["odd"]).ignored == ("odd",)
    stated(text_config=config["text_config"] | {"model_type": "llama"})
    refusal(lambda: load(folder), NotThisModel, "model_type = llama", "in a gemma3 model; supported: gemma3_text")
    stated(text_config=None)
    refusal(lambda: load(folder), BadCheckpoint, "states no text_config")


@each("kind", WRAPPERS)
def test_every_field_of_the_outer_config_is_known(kind: str) -> None:
    theirs = library().CONFIG_MAPPING[kind]
    names = {field.name for field in fields(theirs)} | set(theirs.attribute_map)
    assert sorted(names - OUTER - WRAPPERS[kind].beside - set(COMMON.neutral)) == []
    text = theirs.sub_configs_defaults["text_config"].config_class
    if WRAPPERS[kind].flat:
        usual = {field.name: field.default for field in fields(text)} | {"rope_theta": text.default_theta}
        assert {name: usual[name] for name in WRAPPERS[kind].usual} == WRAPPERS[kind].usual
