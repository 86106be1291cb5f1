"""The traffic of each wire: how much it carries on a corpus.

The package is not called ``traffic`` because that name would hide the function ``ls.traffic``.
"""
