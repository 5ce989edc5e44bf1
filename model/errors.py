"""Errors that a user's file or option can cause; the command line prints the message as one line and exits with 2."""


class NormqError(Exception):
    """Base of every error a user can cause; the message names the file, the field, the value and what was expected."""


class CheckpointError(NormqError):
    """A checkpoint that cannot be read, or does not hold a hidden Markov model."""


class ModelError(NormqError):
    """Tensors in memory that do not form a hidden Markov model: which field, and what is wrong with it."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}")
        self.field = field
        self.fault = fault


class QuantizationError(NormqError):
    """A tensor that cannot be quantized, or an index width that is not offered."""


class PackingError(NormqError):
    """A quantized model that the packed format or the datapath cannot hold."""


class ArtifactError(NormqError):
    """A packed model file that cannot be read, or contradicts itself."""


class OptionError(NormqError):
    """A command-line option, or a combination of options, with an impossible value."""


class ArithmeticRangeError(NormqError):
    """An operation whose result left the range of the vector exponent."""


class EngineError(NormqError):
    """A model that an engine of this configuration was not built for."""


class LocalMemoryError(NormqError):
    """Something that does not fit in the memory on chip."""


class TrainingError(NormqError):
    """Sequences or options that a model cannot be trained with, or a state of training that cannot be gone on from."""


class DeadConstraint(NormqError):  # noqa: N818, what has died is said, not that it is an error
    """A text of which no beam has a possible next token: under its constraint the language model cannot go on."""
