"""Verilog of a component, and the list of its ports."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.lib import wiring

os.environ.setdefault("AMARANTH_USE_YOSYS", "builtin")  # read when Verilog is first converted

_ZEROED_MEMORY = re.compile(r"^ *initial begin\n(?: *\S+\[\d+\] = \d+'h0+;\n)+ *end\n", re.MULTILINE)


@dataclass(frozen=True)
class Design:
    """A top-level module and everything that it instantiates, ready for a simulator."""

    top: str
    """Name of the top module."""
    ports: tuple[str, ...]
    """Names of its ports; the only signals that a bench can see."""
    texts: tuple[str, ...]
    """Generated Verilog, each module once."""
    sources: tuple[Path, ...] = ()
    """SystemVerilog files written by hand."""
    parts: tuple[str, ...] = ()
    """Modules of `texts` that are placed many times."""

    @property
    def public_ports(self) -> str:
        """A Verilator configuration that makes the ports, and nothing else, visible to cocotb.

        The inputs of `parts` are kept as well: Verilator then leaves each copy its own, all copies have the same code,
        and it compiles that code once (16 lanes: half the object, a third of the build, 2.7 times the speed).
        """
        ports = [f'public_flat_rw -module "{self.top}" -var "{port}"' for port in self.ports]
        kept = [
            f'public_flat_rd -module "{part}" -var "{port}"'
            for part in self.parts
            for port in module_inputs("".join(self.texts), part)
        ]
        return "\n".join(["`verilator_config", *ports, *kept, ""])

    @property
    def content(self) -> list[str]:
        """Everything that decides what the compiled design does, as text."""
        return [self.top, self.public_ports, *self.texts, *(path.read_text() for path in self.sources)]

    def write(self, folder: Path) -> tuple[Path, list[Path]]:
        """Write `public_ports` and the generated Verilog to `folder`; return their paths."""
        ports = folder / "ports.vlt"
        ports.write_text(self.public_ports)
        generated = [folder / f"part{number}.v" for number in range(len(self.texts))]
        for path, text in zip(generated, self.texts, strict=True):
            path.write_text(text)
        return ports, generated

    def inside(self, top: str, text: str, sources: tuple[Path, ...] = ()) -> "Design":
        """Return the design whose top is module `top` of Verilog `text`, which instantiates this one."""
        ports = module_ports(text, top)
        return replace(self, top=top, ports=ports, texts=(*self.texts, text), sources=(*self.sources, *sources))


def emit(component: wiring.Component, top: str, parts: Mapping[str, wiring.Component] | None = None) -> Design:
    """Return the Verilog of `component` as module `top`.

    `parts` names the modules that `component` takes in by `Instance(name, ...)`: each is converted once, however often
    it is instantiated.
    """
    texts = tuple(_convert(part, name) for name, part in (parts or {}).items())
    text = _convert(component, top)
    return Design(top, module_ports(text, top), (*texts, text), parts=tuple(parts or {}))


def module_ports(text: str, module: str) -> tuple[str, ...]:
    """Return the names of the ports of `module`, from the header of its definition in Verilog `text`.

    Reads both styles of header: names only, as Yosys writes it, and declarations, one port each.
    Raises ValueError when `text` does not define `module`.
    """
    text = re.sub(r"//.*", "", text)
    header = re.search(
        rf"^module\s+{re.escape(module)}\s*(?:#\(.*?^\)\s*)?\((.*?)\)\s*;", text, re.DOTALL | re.MULTILINE
    )
    if header is None:
        raise ValueError(f"the Verilog text must define module {module!r}, it defines {_modules(text)!r}")
    return tuple(declaration.split()[-1] for declaration in header[1].split(",") if declaration.strip())


def module_inputs(text: str, module: str) -> tuple[str, ...]:
    """Return the names of the inputs of `module` that Yosys declared in Verilog `text`."""
    ports = module_ports(text, module)
    body = re.split(rf"^module\s+{re.escape(module)}\b", text, flags=re.MULTILINE)[1].partition("endmodule")[0]
    declared = set(re.findall(r"^  input (?:\[\d+:\d+\] )?(\S+) ?;", body, re.MULTILINE))
    return tuple(port for port in ports if port in declared - {"clk", "rst"})


def _convert(component: wiring.Component, name: str) -> str:
    convert: Any = verilog.convert
    return without_zeroed_memories(convert(component, name=name, strip_internal_attrs=True))


def without_zeroed_memories(text: str) -> str:
    """Drop the `initial` blocks that set every cell of a memory to 0, a tenth of the text.

    Nothing reads a cell before it was written, so its first content means nothing; a simulation with random first
    contents in tests/cosim holds the engine to that.
    """
    return _ZEROED_MEMORY.sub("", text)


def _modules(text: str) -> list[str]:
    return re.findall(r"^module\s+(\S+?)\s*[#(;]", text, re.MULTILINE)
