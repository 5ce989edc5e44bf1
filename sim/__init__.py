"""Running the accelerator: Verilog, simulator builds, memories and test benches."""
