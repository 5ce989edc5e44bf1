"""All methods by name: those with a codebook give levels, all give the weights of a float engine."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import QuantizationError
from ..hmm import HMM
from ..weights import FloatWeights
from . import normq
from .dequantize import end_state, float_weights
from .kmeans import KMEANS, KMeans
from .layerwise import ActivationQuantizer, ActivationScale, layerwise_weights
from .linear import METHOD as LINEAR_METHOD
from .linear import NORMALIZED_METHOD, UNIFORM_METHOD, quantize_linear, quantize_linear_normalized
from .prune import Renormalization, prune
from .row_mass_leak import with_row_mass_leak
from .tensor import QuantizedHMM, ZeroRows

NORMQ_METHOD = "norm-q"

LOOSE_ROWS = "its rows do not sum to 1"
LIVE_VECTORS = "it quantizes the vectors of every product, too"


@dataclass(frozen=True)
class Setting:
    """What a method is asked for."""

    bits: int | None = None
    """Index width; of layer-wise quantization, that of both operands."""
    share: float | None = None
    """Share of the entries that pruning removes."""
    guard: bool = False
    """hmm_guard."""
    row_mass_leak: bool = False


@dataclass(frozen=True)
class Method:
    """One method."""

    name: str
    summary: str
    levels: Callable[[HMM, int], QuantizedHMM] | None = None
    """Of a method with a codebook that hardware holds."""
    floats: Callable[[HMM, Setting], FloatWeights] | None = None
    """Of a method that only a float engine can use."""
    activations: ActivationScale | None = None
    """Set where the float engine must quantize its vectors, too."""
    no_checkpoint: str | None = None
    """Why float weights of this method are no model that a checkpoint can hold. None where they are one, unless a row
    is empty or has lost too much: that depends on the model, and on the share that is pruned."""

    @property
    def has_file(self) -> bool:
        """Whether any file can hold what the method makes of a model."""
        return self.levels is not None or self.no_checkpoint is None

    def quantize(self, hmm: HMM, setting: Setting) -> QuantizedHMM:
        """Return levels, the setting's options applied. Raises QuantizationError."""
        if self.levels is None:
            raise QuantizationError(f"method {self.name}: has no integer levels to pack, only float weights")
        if setting.share is not None:
            raise QuantizationError(f"method {self.name}: prunes nothing, share {setting.share!r} was given")
        quantized = self.levels(hmm, _bits(self, setting))
        if setting.row_mass_leak:
            quantized = with_row_mass_leak(quantized, hmm)
        if setting.guard:
            quantized = replace(quantized, guard=True)
            end_state(quantized)
        return quantized

    def weights(self, hmm: HMM, setting: Setting) -> FloatWeights:
        """Return float64 weights: of the levels where the method has some. Raises QuantizationError."""
        if self.floats is None:
            return float_weights(self.quantize(hmm, setting))
        if setting.guard or setting.row_mass_leak:
            raise QuantizationError(f"method {self.name}: hmm_guard and row_mass_leak need integer levels")
        return self.floats(hmm, setting)

    def activation(self, setting: Setting) -> ActivationQuantizer | None:
        """Return what a float engine applies to its vectors before each product."""
        return ActivationQuantizer(_bits(self, setting), self.activations) if self.activations else None


def _bits(method: Method, setting: Setting) -> int:
    if setting.bits is None:
        raise QuantizationError(f"method {method.name}: needs an index width in bits, none was given")
    return setting.bits


def _pruning(kind: Renormalization) -> Callable[[HMM, Setting], FloatWeights]:
    def floats(hmm: HMM, setting: Setting) -> FloatWeights:
        if setting.share is None or setting.bits is not None:
            raise QuantizationError(f"method {kind.value}: needs the share to prune, and no index width")
        return prune(hmm, setting.share, kind)

    return floats


def _layerwise(scale: ActivationScale) -> Callable[[HMM, Setting], FloatWeights]:
    def floats(hmm: HMM, setting: Setting) -> FloatWeights:
        if setting.bits is None or setting.share is not None:
            raise QuantizationError(f"method {scale.value}: needs bits, and no share to prune")
        return layerwise_weights(hmm, setting.bits)

    return floats


def _uniform(hmm: HMM, bits: int) -> QuantizedHMM:
    return quantize_linear_normalized(hmm, bits, ZeroRows.UNIFORM)


def _float_kmeans(kind: KMeans) -> Method:
    def floats(hmm: HMM, setting: Setting) -> FloatWeights:
        if setting.bits is None:
            raise QuantizationError(f"method {kind.name}-float: needs an index width in bits, none was given")
        return kind.float_weights(hmm, setting.bits)

    return Method(
        f"{kind.name}-float",
        f"{_kmeans_summary(kind)}, levels in float",
        floats=floats,
        no_checkpoint=_loose(kind),
    )


def _loose(kind: KMeans) -> str | None:
    return None if kind.normalized else LOOSE_ROWS


def _kmeans_summary(kind: KMeans) -> str:
    rows = "rows normalized" if kind.normalized else "rows as they come out"
    return f"k-means codebook in the {'log' if kind.log_domain else 'linear'} domain, {rows}"


METHODS = {
    method.name: method
    for method in (
        Method(NORMQ_METHOD, "linear levels, rows normalized with a pseudocount", normq.quantize),
        Method(LINEAR_METHOD, "linear levels, rows as they come out", quantize_linear, no_checkpoint=LOOSE_ROWS),
        Method(NORMALIZED_METHOD, "linear levels, rows normalized, empty rows empty", quantize_linear_normalized),
        Method(UNIFORM_METHOD, "linear levels, rows normalized, empty rows uniform", _uniform),
        *(
            Method(kind.name, f"{_kmeans_summary(kind)}, 12-bit levels", kind.quantize, no_checkpoint=_loose(kind))
            for kind in KMEANS
        ),
        *(_float_kmeans(kind) for kind in KMEANS),
        *(
            Method(kind.value, f"magnitude pruning: {text}", floats=_pruning(kind))
            for kind, text in (
                (Renormalization.NONE, "rows as they come out"),
                (Renormalization.ROWS, "rows normalized"),
                (Renormalization.PSEUDOCOUNT, "rows normalized with a pseudocount"),
            )
        ),
        *(
            Method(
                scale.value,
                f"weights and activations, {text}",
                floats=_layerwise(scale),
                activations=scale,
                no_checkpoint=LIVE_VECTORS,
            )
            for scale, text in (
                (ActivationScale.VECTOR, "one greatest a vector"),
                (ActivationScale.OPERAND, "one greatest an operand"),
            )
        ),
    )
}
"""Every method, in the order in which tables have them."""
