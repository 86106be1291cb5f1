"""Models of a known shape with random weights, as transformers makes them."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel


def random_gpt2(layers: int = 12) -> "GPT2LMHeadModel":
    """GPT-2 small's shape with the weights it starts from, always the same."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(n_layer=layers)).eval()
