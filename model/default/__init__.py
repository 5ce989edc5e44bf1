"""The embedded default model: HMMs, tokenizer and language model trained on WordNet's examples (README.md)."""
