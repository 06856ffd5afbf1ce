"""How fast the predictor answers, beside other servers of the very same model: `make bench`."""
