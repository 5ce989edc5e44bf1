"""How the embedded default model is made: text, tokenizer, language model, latent states, EM."""
