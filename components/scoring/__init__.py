"""What scoring a whole file is made of: reading it in parts, judging and answering each, writing what came of it."""
