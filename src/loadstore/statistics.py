"""Statistics of a corpus that are computed once and passed to several functions."""

from loadstore.arguments import public as _public
from loadstore.wire_traffic.moments import moments as _moments
from loadstore.wire_traffic.stream import stream_moments as _stream_moments

__all__ = ["moments", "stream_moments"]

moments = _public(_moments, "ls.statistics")
stream_moments = _public(_stream_moments, "ls.statistics")
