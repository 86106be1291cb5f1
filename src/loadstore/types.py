"""The classes of the arguments and results of public functions, for annotations and ``isinstance``."""

from loadstore.causal.effect import Outcome
from loadstore.causal.predictions import Metric, Prediction
from loadstore.circuits.circuit import Circuit
from loadstore.circuits.pairs import Pairs
from loadstore.circuits.proof import Proof
from loadstore.circuits.task import Task
from loadstore.corpora.corpus import Corpus
from loadstore.decomposition.address import Address
from loadstore.decomposition.program import Listing
from loadstore.decomposition.walk import Walk
from loadstore.evidence.head_facts import Dossier
from loadstore.evidence.verdict import Verified
from loadstore.execution.kinds import Edit
from loadstore.execution.trace import Trace
from loadstore.figures.picture.pictured import Pictured
from loadstore.memory.lifetimes_value import Lifetimes
from loadstore.memory.memory_map import MemoryMap
from loadstore.memory.reach_value import Reach
from loadstore.model.weights import Weights
from loadstore.notebook.shown import Shown
from loadstore.permissions.policy import Policy
from loadstore.permissions.subspace import Subspace
from loadstore.scores.decoding import ChannelTokens
from loadstore.sites import Head, Reader, Writer
from loadstore.wire_traffic.moments import Moments

__all__ = [
    "Address",
    "ChannelTokens",
    "Circuit",
    "Corpus",
    "Dossier",
    "Edit",
    "Head",
    "Lifetimes",
    "Listing",
    "MemoryMap",
    "Metric",
    "Moments",
    "Outcome",
    "Pairs",
    "Pictured",
    "Policy",
    "Prediction",
    "Proof",
    "Reach",
    "Reader",
    "Shown",
    "Subspace",
    "Task",
    "Trace",
    "Verified",
    "Walk",
    "Weights",
    "Writer",
]
