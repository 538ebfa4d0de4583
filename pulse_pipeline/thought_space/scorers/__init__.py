"""Scorers of thoughts that compare vectors, one a file; the tree itself is `rationales.refinement`."""
