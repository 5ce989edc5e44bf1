"""What writing waves as FST needs from the system."""

import functools
import subprocess

HEADERS = {"zlib1g-dev": "zlib.h", "liblz4-dev": "lz4.h"}
"""Debian package and its header that Verilator's FST writer includes."""


@functools.cache
def missing_packages() -> tuple[str, ...]:
    """Return the Debian packages whose headers the compiler does not find."""
    return tuple(package for package, header in HEADERS.items() if not compiles(f"#include <{header}>\n"))


def compiles(source: str) -> bool:
    """Return whether g++ takes `source`."""
    command = ["g++", "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False).returncode == 0
