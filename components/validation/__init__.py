"""What *validate* is made of: the contract's rules for cells, repeated rows, and how what is found is told."""
