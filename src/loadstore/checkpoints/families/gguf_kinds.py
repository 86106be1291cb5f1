"""The architectures of GGUF that are read: the names of their tensors, their facts, and the layout of their files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from loadstore.checkpoints.families import gguf_gpts, gguf_llamas, gguf_names, gguf_routed
from loadstore.checkpoints.families.gguf_names import Names
from loadstore.checkpoints.gguf import GGUF
from loadstore.model.rotary import Pairs


@dataclass(frozen=True)
class Kind:
    """One architecture: its tensors, and its facts in the words of a config.json, from those below its name.

    ``pairs``, ``added`` and ``apart``: as in ``Layout``. ``second``: a tensor, and the names in files that have it.
    """

    tensors: Names
    config: Callable[[GGUF, dict[str, Any]], dict[str, Any]]
    pairs: Pairs | None = None
    added: bool = False
    apart: bool = False
    second: tuple[str, Names] | None = None

    def names(self, file: GGUF) -> Names:
        """The names of a file's tensors."""
        return self.second[1] if self.second is not None and self.second[0] in file.stored else self.tensors


KINDS: dict[str, Kind] = {
    "llama": Kind(gguf_names.MIXTRAL, gguf_llamas.llama, "adjacent"),
    "qwen2": Kind(gguf_names.LLAMA, partial(gguf_llamas.qwen, "qwen2")),
    "qwen3": Kind(gguf_names.LLAMA, partial(gguf_llamas.qwen, "qwen3")),
    "gemma": Kind(gguf_names.LLAMA, gguf_llamas.gemma, added=True),
    "gemma2": Kind(gguf_names.GEMMA, gguf_llamas.gemma2, added=True),
    "gemma3": Kind(gguf_names.GEMMA, gguf_llamas.gemma3, added=True),
    "phi3": Kind(gguf_names.PHI3, gguf_llamas.phi3),
    "arcee": Kind(gguf_names.LLAMA, gguf_llamas.arcee, "adjacent"),
    "ernie4_5": Kind(gguf_names.LLAMA, gguf_llamas.ernie),
    "phi2": Kind(gguf_names.PHI2, gguf_llamas.phi2),
    "qwen2moe": Kind(gguf_names.QWEN_MOE, gguf_routed.qwen2moe),
    "qwen3moe": Kind(gguf_names.QWEN_MOE, gguf_routed.qwen3moe),
    "starcoder2": Kind(gguf_names.STARCODER2, gguf_llamas.starcoder2),
    "olmo": Kind(gguf_names.LLAMA, gguf_llamas.olmo, "adjacent"),
    "olmoe": Kind(gguf_names.MIXTRAL, gguf_routed.olmoe),
    "olmo2": Kind(gguf_names.OLMO2, gguf_llamas.olmo2),
    "stablelm": Kind(gguf_names.LLAMA, gguf_llamas.stablelm),
    "command-r": Kind(gguf_names.LLAMA, gguf_llamas.cohere),
    "granite": Kind(gguf_names.LLAMA, gguf_llamas.granite, "adjacent"),
    "smollm3": Kind(gguf_names.LLAMA, gguf_llamas.smollm3, "adjacent"),
    "nemotron": Kind(gguf_names.LLAMA, gguf_llamas.nemotron, added=True),
    "gpt-oss": Kind(gguf_names.GPT_OSS, gguf_routed.gpt_oss),
    "deepseek2": Kind(gguf_names.DEEPSEEK, gguf_routed.deepseek2),
    "gpt2": Kind(gguf_names.GPT2, gguf_gpts.gpt2),
    "starcoder": Kind(gguf_names.STARCODER, gguf_gpts.starcoder, apart=True),
    "gptneox": Kind(gguf_names.NEOX, gguf_gpts.neox, apart=True),
    "bloom": Kind(gguf_names.BLOOM, gguf_gpts.bloom, apart=True),
    "mpt": Kind(gguf_names.MPT, gguf_gpts.mpt),
    "falcon": Kind(
        gguf_names.FALCON,
        gguf_gpts.falcon,
        apart=True,
        second=("blk.0.attn_norm_2.weight", gguf_names.FALCON_OF_TWO_NORMS),
    ),
}
