"""The bit-accurate datapath in integers."""
