"""The manifest beside the engine's Verilog: what software needs to drive it and to read its counters."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from amaranth import Shape as BitShape
from amaranth.lib import data

from .. import __version__
from ..model.config import AcceleratorConfig
from ..rtl.buffer import WidthBuffer
from ..rtl.bus.lite import CONTROL_ADDRESS_BITS
from ..rtl.bus.local import LocalMemory
from ..rtl.constraint.layouts import edge_layout, term_layout
from ..rtl.counters import COUNTER_BITS, COUNTERS
from ..rtl.decoder.dense import DenseDecoder
from ..rtl.decoder.sparse import SparseDecoder
from ..rtl.encoder import Encoder
from ..rtl.engine import LANE_MODULE
from ..rtl.finish import Finisher
from ..rtl.gather import GatherSum
from ..rtl.gather_control import GatherControl
from ..rtl.leak import LeakUnit
from ..rtl.operation import (
    LayoutCode,
    Opcode,
    Status,
    column_record_layout,
    descriptor_layout,
    record_layout,
)
from ..rtl.passes import ElementPasses
from ..rtl.register_map import IDENTITY, QUEUE_DEPTH, REGISTER_BYTES, Register, counter_addresses
from ..rtl.system import SYSTEM_MODULE
from ..rtl.tables import Codebooks, RowTables
from .engine import ENGINE_MODULE

MANIFEST_VERSION = 1
COMPONENTS = (
    SparseDecoder,
    DenseDecoder,
    Codebooks,
    RowTables,
    GatherControl,
    GatherSum,
    Finisher,
    LeakUnit,
    Encoder,
    ElementPasses,
    WidthBuffer,
    LocalMemory,
)
"""Components that state their own latency."""

Fields = dict[str, Any]


def manifest(config: AcceleratorConfig) -> Fields:
    """Return everything about the engine of `config` that its Verilog does not say, ready for JSON."""
    return {
        "manifest_version": MANIFEST_VERSION,
        "tool": f"normq {__version__}",
        "top": ENGINE_MODULE,
        "lane": LANE_MODULE,
        "system": SYSTEM_MODULE,
        "configuration": _configuration(config),
        "identity": IDENTITY,
        "control_bytes": 1 << CONTROL_ADDRESS_BITS,
        "descriptor_queue": QUEUE_DEPTH,
        "registers": _registers(),
        "counters": _counters(),
        "descriptor": _structure(descriptor_layout),
        "vector_record": _structure(record_layout),
        "column_record": _structure(column_record_layout),
        "edge": _structure(edge_layout),
        "term": _structure(term_layout),
        "opcodes": _members(Opcode),
        "layouts": _members(LayoutCode),
        "statuses": _members(Status),
        "components": {component.__name__: _timing(component) for component in COMPONENTS},
    }


def _configuration(config: AcceleratorConfig) -> Fields:
    code = config.code
    choices = {name: value for name, value in vars(config).items() if name not in ("layouts", "code")}
    return {
        **choices,
        "layouts": sorted(layout.value for layout in config.layouts),
        "code": {"exponent_bits": code.exponent_bits, "significand_bits": code.significand_bits},
        "port_bytes": config.port_bytes,
        "score_record_bytes": config.record_bytes,
    }


def _registers() -> list[Fields]:
    return [
        {
            "name": register.name,
            "address": register.address,
            "bytes": REGISTER_BYTES,
            "access": register.value.access.value,
            "meaning": register.value.meaning,
            "fields": [asdict(field) for field in register.value.fields],
        }
        for register in Register
    ]


def _counters() -> list[Fields]:
    addresses = [counter_addresses(index) for index in range(len(COUNTERS))]
    return [
        {
            "name": counter.name,
            "address_low": low,
            "address_high": high,
            "bits": COUNTER_BITS,
            "unit": counter.unit,
            "meaning": counter.meaning,
        }
        for counter, (low, high) in zip(COUNTERS, addresses, strict=True)
    ]


def _structure(layout: Callable[[], data.StructLayout]) -> Fields:
    """What lies in memory: the definition's docstring is its meaning."""
    fields = layout()
    return {"bytes": fields.size // 8, "meaning": inspect.getdoc(layout), "fields": _fields(fields)}


def _fields(layout: data.StructLayout) -> list[Fields]:
    """Flatten a layout: bit offsets from the start of its little-endian bytes, structures as `outer.inner`."""
    flat: list[Fields] = []
    members: Any = layout
    for name, field in members:
        if isinstance(field.shape, data.StructLayout):
            flat += [
                {**inner, "name": f"{name}.{inner['name']}", "bit": field.offset + inner["bit"]}
                for inner in _fields(field.shape)
            ]
        else:
            shape = BitShape.cast(field.shape)
            flat.append({"name": name, "bit": field.offset, "bits": shape.width, "signed": shape.signed})
    return flat


def _members(kind: Any) -> list[Fields]:
    meanings = attribute_docs(kind)
    return [{"name": member.name, "value": member.value, "meaning": meanings[member.name]} for member in kind]


def _timing(component: type) -> Fields:
    """Return the component's contract and whatever cycles it states as attributes."""
    cycles = {
        name: value
        for name, value in vars(component).items()
        if isinstance(value, int) and name.endswith(("latency", "overhead", "drain"))
    }
    return {"contract": inspect.getdoc(component), "cycles": cycles}


def attribute_docs(kind: type) -> dict[str, str]:
    """Return the docstring under each attribute that class `kind` assigns, "" where there is none, as one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    docs: dict[str, str] = {}
    for statement, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            said = after.value if isinstance(after, ast.Expr) else None
            text = said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else ""
            docs[statement.targets[0].id] = " ".join(text.split())
    return docs
