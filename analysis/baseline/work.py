"""What a token step takes in floats: bytes that must cross the memory's pins, and operations."""

from dataclasses import dataclass

from .platforms import FLOAT_BYTES

VOCAB = 50257
HIDDEN = (4096, 8192, 16384)
BEAMS = (1, 16, 128)


@dataclass(frozen=True)
class DenseStep:
    """A token step of B beams with dense weights: forward, denominators, and numerators of each beam's default edge.

    It is written as well as a user would: A' and A' .* C are one batch of 2B vectors, so that beta is read once.
    """

    hidden: int
    vocab: int
    beams: int
    float_type: str

    @property
    def weights(self) -> int:
        """Alpha and beta."""
        return self.hidden * (self.hidden + self.vocab)

    @property
    def weight_bytes(self) -> int:
        """Alpha and beta, each once."""
        return FLOAT_BYTES[self.float_type] * self.weights

    @property
    def moved(self) -> int:
        """Bytes: the weights once, columns of beta, A and C read, A' written, 2B rows of scores written."""
        values = self.beams * (4 * self.hidden + 2 * self.vocab)
        return self.weight_bytes + FLOAT_BYTES[self.float_type] * values

    @property
    def operations(self) -> int:
        """Floating-point operations of the two products."""
        return 2 * self.beams * self.hidden * (self.hidden + 2 * self.vocab)
