"""The mathematics: formats, configuration, quantization, packing and the golden datapath."""
