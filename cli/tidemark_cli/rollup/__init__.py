"""The rollup, as its operator sees it: a range recomputed, its state, and what has failed done again."""
