"""Machines that a user may have: peaks and power as their makers state them.

- A100: NVIDIA A100 Tensor Core GPU data sheet (nvidia-1758950-r4), SXM, 80 GB.
- H100: NVIDIA H100 Tensor Core GPU data sheet, SXM; float16 without sparsity, half of what the sheet prints with it.
- Jetson AGX Orin: NVIDIA Jetson AGX Orin Series technical brief v1.2, 64 GB; float16 without sparsity is a quarter of
  its 170 TOPS of sparse INT8.
- EPYC 9654: AMD's product page, 96 cores, 2.4 GHz base, 12 channels of DDR5-4800, 360 W; a Zen 4 core makes two
  multiply-adds of 256 bits a cycle (AMD's software optimization guide for Zen 4), 32 operations in float32.

Power: the band goes from what decoding, bound by memory, was measured to draw to the whole TDP. B. Ma et al., "The
Illusion of Power Capping in LLM Decode" (arXiv 2605.11999), measured 137 to 300 W on an H200 of 700 W: 0.20 and 0.43
of its TDP. Taking those shares for the other platforms is an assumption.
"""

from dataclasses import dataclass

from ..cost.band import Band
from ..cost.dram import dram_energy

POWER_SHARE = Band(137 / 700, 300 / 700, 1.0)
"""Of the TDP: low and typical measured on one GPU, high the limit."""
FLOAT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True)
class Platform:
    """One machine. Peaks are the makers', so that a time from them is a bound from below."""

    name: str
    kind: str
    """"GPU" or "CPU"."""
    gigabytes_per_second: float
    """Of its memory."""
    teraflops: dict[str, float]
    """By type; float16 with float32 sums on a GPU's matrix units. A CPU has float32 alone: 16 bits are widened."""
    tdp_watts: float
    has_memory_within: bool
    """Whether the TDP holds the memory's power."""

    @property
    def watts(self) -> Band:
        """While it works on something bound by memory."""
        return POWER_SHARE * self.tdp_watts

    def seconds(self, moved: float, operations: float, float_type: str) -> float:
        """Return the roofline: the longer of moving `moved` bytes and of `operations` at peak."""
        peak = self.teraflops.get(float_type, self.teraflops["float32"])
        return max(moved / (self.gigabytes_per_second * 1e9), operations / (peak * 1e12))

    def millijoules(self, seconds: float, moved: float) -> Band:
        """Return the energy of `seconds` in which `moved` bytes cross the memory's pins."""
        inside = self.watts * (1000 * seconds)
        return inside if self.has_memory_within else inside + memory_millijoules(moved)


PLATFORMS = (
    Platform("A100 SXM 80 GB", "GPU", 2039, {"float32": 19.5, "float16": 312}, 400, True),
    Platform("H100 SXM", "GPU", 3350, {"float32": 67, "float16": 989.5}, 700, True),
    Platform("Jetson AGX Orin 64 GB", "GPU", 204.8, {"float32": 5.3, "float16": 42.5}, 60, True),
    Platform("EPYC 9654", "CPU", 460.8, {"float32": 96 * 2.4e-3 * 32}, 360, False),
)

CORE_WATTS = Band(500 / 128, 400 / 64, 125 / 8)
"""One busy core of a server CPU of the measuring machine's family: TDP over cores of AMD EPYC 9755, 9575F and 9015
(AMD EPYC 9005 Series data sheet). What its host draws is not told to a virtual machine."""


def memory_millijoules(moved: float) -> Band:
    """Return the energy of DRAM traffic of a CPU: the full path of DDR4 (analysis/cost/dram.py)."""
    return dram_energy("ddr4-3200").path_pj_per_bit * (8e-9 * moved)


def core_millijoules(seconds: float, moved: float) -> Band:
    """Return the energy of one core of the measuring machine, and of the bytes that it moved."""
    return CORE_WATTS * (1000 * seconds) + memory_millijoules(moved)
