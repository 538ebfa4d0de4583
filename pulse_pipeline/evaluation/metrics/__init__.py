"""One metric a file, each a function of ranks."""
