"""What counting costs: the predictor as it is beside the same predictor that counts nothing."""
