"""How each stage's time and memory grow with the rows of a table, on made-up rows of any number."""
