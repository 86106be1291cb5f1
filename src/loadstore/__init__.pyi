__version__: str

# Namespaces
from . import errors as errors
from . import experiments as experiments
from . import metrics as metrics
from . import parts as parts
from . import policies as policies
from . import statistics as statistics
from . import types as types
from . import vocabulary as vocabulary

# One pass
from .causal.effect import effect as effect
from .causal.metrics import logit_difference as logit_difference

# Models and passes
from .checkpoints.library import load as load

# Circuits
from .circuits.attribution import attribute as attribute
from .circuits.circuit import Circuit as Circuit
from .circuits.curve import curve as curve
from .circuits.faithfulness import faithfulness as faithfulness
from .circuits.named import task as task
from .circuits.prove import prove as prove
from .circuits.sized import circuit as circuit
from .circuits.task import Task as Task
from .decomposition.address import address as address
from .decomposition.listing import listing as listing
from .evidence.verify import verify as verify

# A corpus
from .evidence.wires import wires as wires
from .execution.edits import ablate as ablate
from .execution.edits import cut as cut
from .execution.edits import freeze as freeze
from .execution.edits import patch as patch
from .execution.run import run as run
from .execution.trace import Trace as Trace

# Pictures
from .figures.picture.pictured import picture as picture

# Weights alone, and heads
from .heads.roles import head_roles as head_roles
from .memory.lifetime import lifetimes as lifetimes
from .memory.memory_map import memory_map as memory_map
from .memory.reach import reach as reach
from .model.weights import Weights as Weights
from .notebook.show import show as show

# Permissions
from .permissions.audit import audit as audit
from .permissions.enforce import enforce as enforce
from .permissions.leaks import leak_test as leak_test
from .scores.scores import subspace_scores as subspace_scores
from .scores.spectra import spectrum as spectrum
from .sites import Head as Head
from .wire_traffic.traffic import traffic as traffic
