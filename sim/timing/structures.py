"""Descriptors and records as the model reads them from memory: fields by name."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from amaranth.lib import data

from ...rtl.operation import column_record_layout, descriptor_layout, record_layout

WORD_BITS = 64


@dataclass(frozen=True)
class Structure:
    """Where the unsigned fields of at most 63 bits of a structure are; none crosses a 64-bit word."""

    words: int
    places: dict[str, tuple[int, int, int]]
    """Word, shift and mask of each field."""

    @classmethod
    def of(cls, layout: data.StructLayout) -> "Structure":
        """Return the structure of a layout that is whole words."""
        return cls(
            layout.size // WORD_BITS,
            {
                str(name): (*divmod(field.offset, WORD_BITS), (1 << min(field.width, WORD_BITS - 1)) - 1)
                for name, field in layout
                if field.width <= WORD_BITS
            },
        )

    def read(self, content: bytes) -> dict[str, npt.NDArray[np.int64]]:
        """Return each field [n] of n consecutive structures."""
        words = np.frombuffer(content, "<u8").reshape(-1, self.words)
        return {
            name: ((words[:, word] >> np.uint64(shift)) & np.uint64(mask)).astype(np.int64)
            for name, (word, shift, mask) in self.places.items()
        }


DESCRIPTOR = Structure.of(descriptor_layout())
RECORD = Structure.of(record_layout())
COLUMN = Structure.of(column_record_layout())
