"""What every site of a model writes to and reads from the stream: one value a site, asked for by all that stands above.

A new kind of site is one module here and one line in ``table``; a new mechanism changes the module of its kind.
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
