"""The card that FPGA counts are held against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A card's resources, by the column that counts them."""

    name: str
    resources: dict[str, int]
    source: str

    @property
    def memory_bits(self) -> int:
        """Of block RAMs of 36 kbit and UltraRAMs of 288 kbit."""
        kilobit = 1024
        return kilobit * (36 * self.resources["fpga_block_rams"] + 288 * self.resources["fpga_ultra_rams"])


CARD = Card(
    "Alveo U250",
    {"fpga_luts": 1_728_000, "fpga_dsps": 12_288, "fpga_block_rams": 2_688, "fpga_ultra_rams": 1_280},
    "AMD DS962",
)
CARD_LIMIT = 0.7
"""Share of each resource that a design may take: fuller chips seldom close timing. An assumption."""
