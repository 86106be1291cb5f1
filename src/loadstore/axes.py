"""The dimension glossary: every axis that a shape annotation or a labelled result may name.

===========  ==============================================================
vocab        token ids                 ctx     positions the model has rows for
d_model      the residual stream       d_head  the inside of one head
d_value      the value of one head     rank    directions, strongest first
head         heads of one layer        layer   attention layers
batch        prompts                   token   positions of a prompt
query, key   the token that loads and the token that is loaded from
writer       sites that store          reader  sites that load
===========  ==============================================================
"""

from typing import TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

Tokens: TypeAlias = Int[Tensor, "batch token"]
Stream: TypeAlias = Float[Tensor, "batch token d_model"]
Logits: TypeAlias = Float[Tensor, "batch token vocab"]
Patterns: TypeAlias = Float[Tensor, "batch head query key"]
HeadValues: TypeAlias = Float[Tensor, "batch token head d_head"]
Mixed: TypeAlias = Float[Tensor, "batch token head d_value"]
Mask: TypeAlias = Bool[Tensor, "batch query key"]
Spectrum: TypeAlias = Float[Tensor, " rank"]
