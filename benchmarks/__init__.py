"""One runnable file for each claim about speed; `make bench` runs them and rewrites the figures' page."""
