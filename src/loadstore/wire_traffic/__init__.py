"""How much signal each wire carries on a corpus.

A package called ``traffic`` would hide the function ``ls.traffic``.
"""
