"""A training recipe: the machine's architecture, how it starts, and the phases it goes through."""

from dataclasses import dataclass, field
from typing import Literal

from loadstore.model.architecture import Architecture, NormKind
from loadstore.model.mlp_facts import Mlp
from loadstore.model.rotary import Rotary

Windows = Literal["random", "packed"]
Trained = Literal["learned", "shortformer", "rotary", "none"]
Format = Literal["float32", "float64"]


@dataclass(frozen=True, slots=True)
class Start:
    """Initial scales.

    ``W_E`` has rows of standard deviation ``embed`` with a power-law spectrum λ_k ∝ k^−``embed_decay``;
    ``W_pos`` is one sine and one cosine per angular frequency (radians a token), of amplitude
    ``pos_amplitude``, in random orthogonal directions; without frequencies it is random, of that standard deviation.
    Matrices that read the stream ~ N(0, 1/d); those that write to it have half of what keeps the scale.
    """

    embed: float = 0.3
    embed_decay: float = 0.0
    pos_frequencies: tuple[float, ...] = (2.4, 1.2, 0.5, 0.15, 0.04, 0.012)
    pos_amplitude: float = 4.0
    unembed: float = 0.02


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of training.

    ``repeats`` is the share of sequences that are random blocks repeated (the rest is text), their loss
    weighted by ``repeat_weight``. ``windows`` of text are taken from *random* places, or *packed*: each once, shuffled
    anew in every epoch. A batch is computed in ``accumulate`` parts, whose gradients are added. ``until`` ends the
    phase early once the running second-copy loss (nats) is below it. ``open_heads`` limits how many heads of each layer
    learn (all by default). ``decay`` shrinks W_E and W_pos by that much a step, ``head_decay`` W_V and W_O,
    ``qk_decay`` W_Q and W_K, ``mlp_decay`` the matrices of MLPs; all follow the schedule.
    """

    name: str
    steps: int
    batch: int
    length: int
    repeats: float = 0.0
    block: tuple[int, int] = (1, 1)
    lr: float = 3e-3
    muon_lr: float = 0.02
    warmup: int = 0
    end: float = 1.0
    repeat_weight: float = 1.0
    until: float = 0.0
    open_heads: tuple[int, ...] = ()
    decay: float = 0.0
    head_decay: float = 0.0
    qk_decay: float = 0.0
    mlp_decay: float = 0.0
    windows: Windows = "random"
    accumulate: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run, besides the text.

    ``names`` gives the strongest heads of a role the numbers they shall carry: an exact renumbering at the end.
    ``per_octave`` is how often a run is measured while its steps double, ``kept_per_octave`` how often a checkpoint is
    kept (0: never). The machine has positions at Q and K alone (shortformer), no norm, no bias and no MLP unless
    ``positions``, ``norm``, ``bias`` and ``mlp`` say another; ``n_kv_heads`` of 0: each head has its own keys and
    values; ``tied``: the unembedding is the embedding. ``dtype``: the number format of the parameters.
    """

    name: str
    seed: int
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    vocab: int
    context: int
    start: Start
    phases: tuple[Phase, ...]
    names: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    per_octave: int = 3
    kept_per_octave: int = 0
    positions: Trained = "shortformer"
    norm: NormKind = "none"
    n_kv_heads: int = 0
    rotary_base: float = 10_000.0
    mlp: Mlp | None = None
    bias: bool = False
    tied: bool = False
    dtype: Format = "float32"

    @property
    def steps(self) -> int:
        """The most steps that all phases can take."""
        return sum(phase.steps for phase in self.phases)

    @property
    def needs_text(self) -> bool:
        """Whether any phase reads text; otherwise made-up words do."""
        return any(round(phase.batch * phase.repeats) < phase.batch for phase in self.phases)

    @property
    def architecture(self) -> Architecture:
        """The machine that is trained. Raises NotThisModel on impossible sizes."""
        return Architecture(
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            d_model=self.d_model,
            d_head=self.d_head,
            vocab=self.vocab,
            context=self.context,
            positions=self.positions,
            norm=self.norm,
            rotary=Rotary.of(self.d_head, self.rotary_base) if self.positions == "rotary" else None,
            n_kv_heads=self.n_kv_heads or None,
            mlp=self.mlp,
        )
