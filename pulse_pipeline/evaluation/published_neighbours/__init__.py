"""Who chooses alike as published (arXiv 2510.08626, stage A): by the cosine of SASRec's user vectors."""
