"""Learning: candidates, how they are fitted, measured and chosen."""
