"""One baseline a file, all behind the same interface as our model."""
