"""The quality study: what each method of quantization costs, in likelihood and in constrained decoding."""
