"""How fast the product itself is: golden kernels and the simulator."""
