"""Kinds of published models that are refused by name: what they have is not a loading from tokens, or is not plain."""

import re

import torch

from loadstore.checkpoints.checkpoint import Checkpoint
from loadstore.checkpoints.families.shared_keys import names
from loadstore.errors import NotThisModel
from loadstore.quote import quote

RECURRENT = names("""
    bailing_hybrid bamba falcon_h1 falcon_mamba granitemoehybrid jamba kimi_linear lfm2 lfm2_moe lfm3 mamba mamba2
    minimax nemotron_h olmo_hybrid qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen3_next recurrent_gemma rwkv
    xlstm zamba zamba2
""")
METHODS = {"mxfp4": "MXFP4", "fp8": "fp8", "gptq": "GPTQ", "awq": "AWQ", "bitsandbytes": "bitsandbytes"}
PLAIN = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
PACKED = re.compile(
    r".*[._](qweight|qzeros|g_idx|blocks|scales|weight_scale|weight_scale_inv|weight_packed|absmax|quant_map|SCB)(\..*)?"
)


def refuse_recurrent(checkpoint: Checkpoint) -> None:
    """Raise NotThisModel for a kind of model with recurrent layers."""
    kind = str((checkpoint.config or {}).get("model_type"))
    if kind in RECURRENT:
        raise NotThisModel(
            f"{checkpoint.path}: its config says model_type '{kind}', a model with state-space or other recurrent "
            "layers; these carry a state from token to token and have no address, so that loadstore cannot read it"
        )


def refuse_quantised(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint, without a statement of quantisation if its tensors are plain numbers.

    Raises NotThisModel, with the name of the method, if they are not.
    """
    config = checkpoint.config or {}
    stated: object = config.get("quantization_config")
    if not isinstance(stated, dict) or not stated:
        return checkpoint
    packed = sorted(name for name, tensor in checkpoint.tensors.items() if PACKED.fullmatch(name) or _odd(tensor))
    method = str(stated.get("quant_method"))
    if packed or method not in METHODS:
        called = METHODS.get(method, f"quant_method '{quote(method, 40)}'")
        raise NotThisModel(
            f"{checkpoint.path} is quantised ({called}), which loadstore does not read; let transformers dequantise it "
            "(model.dequantize(), then save_pretrained), or take a file of float16, bfloat16 or wider"
        )
    plain = {key: value for key, value in config.items() if key != "quantization_config"}
    return Checkpoint(checkpoint.path, checkpoint.tensors, checkpoint.metadata, plain)


def _odd(tensor: torch.Tensor) -> bool:
    return tensor.dtype not in PLAIN
