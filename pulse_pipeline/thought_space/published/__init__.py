"""The Thought Space as published (arXiv 2510.08626, stage C): two tuned text encoders and one contrast."""
