"""Published figures beside ours (arXiv 2509.25439; CommonGen, GPT-2 large, H = 4096, beam 128), in percent."""

BITS: tuple[int, ...] = (8, 7, 6, 5, 4, 3, 2)

FLOAT: dict[str, float] = {"success": 100.0, "rouge": 37.6, "bleu": 35.2, "cider": 11.7}

NORM_Q: dict[str, dict[int, float]] = {
    "success": dict(zip(BITS, (99.0, 99.0, 97.9, 97.8, 97.8, 96.8, 91.6), strict=True)),
    "rouge": dict(zip(BITS, (37.2, 36.1, 36.1, 35.2, 34.9, 35.3, 32.3), strict=True)),
    "bleu": dict(zip(BITS, (34.0, 32.1, 32.8, 31.2, 30.4, 30.6, 25.9), strict=True)),
    "cider": dict(zip(BITS, (11.1, 10.7, 10.6, 10.0, 10.0, 10.1, 8.62), strict=True)),
}

AWARE: dict[str, dict[int, float]] = {
    "success": dict(zip(BITS, (99.0, 99.0, 98.1, 98.2, 97.2, 93.1, 89.3), strict=True)),
    "rouge": dict(zip(BITS, (36.5, 36.1, 36.3, 36.1, 35.6, 34.5, 33.1), strict=True)),
    "bleu": dict(zip(BITS, (32.8, 32.2, 33.1, 33.2, 31.6, 30.7, 26.7), strict=True)),
}

_LAYERWISE_BITS = (4, 8, 9, 10, 11, 12, 14, 15, 16, 24)
LAYERWISE: dict[int, float] = dict(
    zip(_LAYERWISE_BITS, (8.3, 20.8, 34.2, 55.5, 78.4, 88.6, 97.8, 98.7, 99.5, 100.0), strict=True)
)
"""Success of layer-wise linear integers, both operands."""

PRUNE_SAFE, PRUNE_FAILS, PRUNE_RENORMALIZED = 0.85, 0.86, 82.0
"""85 % sparsity is safe, 86 % fails completely, row normalization there recovers success to 82 %."""
