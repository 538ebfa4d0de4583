"""What each part of the Thought Space is worth: the same training with one thing taken away or made false."""
