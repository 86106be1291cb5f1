"""What one pass says: exact decompositions of what was stored and loaded."""
