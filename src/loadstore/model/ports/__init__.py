"""Ports: the interface of every site to the residual stream, one value per site, used by all other code.

A new kind of site needs one module here and one line in ``table``. A new mechanism changes only its kind's module.
"""

from loadstore.model.ports.banks import Bank as Bank
from loadstore.model.ports.banks import banks as banks
from loadstore.model.ports.embed import EmbedWriting as EmbedWriting
from loadstore.model.ports.folded import fold as fold
from loadstore.model.ports.heads import heads_out as heads_out
from loadstore.model.ports.heads import ov as ov
from loadstore.model.ports.heads import qk as qk
from loadstore.model.ports.positions import PosWriting as PosWriting
from loadstore.model.ports.readers import Reading as Reading
from loadstore.model.ports.table import points as points
from loadstore.model.ports.table import reading as reading
from loadstore.model.ports.table import reading_at as reading_at
from loadstore.model.ports.table import writing as writing
from loadstore.model.ports.writers import Norms as Norms
from loadstore.model.ports.writers import RowWriting as RowWriting
from loadstore.model.ports.writers import Writing as Writing
