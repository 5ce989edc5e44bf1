"""Once per constraint: the weights of an automaton's edges, and the sums of products over them."""
