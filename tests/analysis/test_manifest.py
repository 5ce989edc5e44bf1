"""The manifest against the RTL itself: whoever follows it reaches every register, counter and field."""

import json
from pathlib import Path
from typing import Any

from amaranth import Shape
from amaranth.lib import data
from amaranth.sim import Simulator

from normq.model.config import AcceleratorConfig
from normq.rtl.constraint.layouts import edge_layout, term_layout
from normq.rtl.counters import COUNTERS
from normq.rtl.operation import Opcode, Status, descriptor_layout, record_layout
from normq.rtl.registers import Registers
from normq.sim.manifest import attribute_docs, manifest
from normq.sim.register_page import PAGE, register_page

MANIFEST = manifest(AcceleratorConfig())


def test_counters_are_read_at_their_addresses() -> None:
    """Each counter holds its own number in both halves; the manifest's addresses give it back."""
    registers = Registers()
    found: dict[str, int] = {}
    expected = {counter.name: (index + 1) << 32 | (index + 100) for index, counter in enumerate(COUNTERS)}

    async def read(ctx: Any, address: int) -> int:
        ctx.set(registers.bus.araddr, address)
        await ctx.tick()
        return ctx.get(registers.bus.rdata)

    async def bench(ctx: Any) -> None:
        ctx.set(registers.bus.arvalid, 1)
        ctx.set(registers.bus.rready, 1)
        for index, value in enumerate(expected.values()):
            ctx.set(registers.counters[index], value)
        for entry in MANIFEST["counters"]:
            low, high = await read(ctx, entry["address_low"]), await read(ctx, entry["address_high"])
            found[entry["name"]] = low | high << 32
        ctx.set(registers.status, Status.DONE)
        addresses = {entry["name"]: entry["address"] for entry in MANIFEST["registers"]}
        assert await read(ctx, addresses["IDENTITY"]) == MANIFEST["identity"]
        done = next(entry["value"] for entry in MANIFEST["statuses"] if entry["name"] == "DONE")
        assert await read(ctx, addresses["STATUS"]) == done

    simulator = Simulator(registers)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == expected


def test_counters_say_what_they_count() -> None:
    said = [(entry["name"], entry["unit"], entry["meaning"]) for entry in MANIFEST["counters"]]
    assert said == [(counter.name, counter.unit, counter.meaning) for counter in COUNTERS]


def check_fields(layout: data.StructLayout, described: dict[str, Any]) -> None:
    """Every field alone, all its bits set, is where the manifest says, and nowhere else."""
    assert 8 * described["bytes"] == layout.size == sum(field["bits"] for field in described["fields"])
    for entry in described["fields"]:
        outer, _, inner = entry["name"].partition(".")
        ones: Any = -1 if entry["signed"] else (1 << entry["bits"]) - 1
        constant: Any = layout.const({outer: {inner: ones} if inner else ones})
        assert int(constant.as_bits()) == ((1 << entry["bits"]) - 1) << entry["bit"], entry
        shape = layout[outer].shape
        member: Any = shape[inner].shape if isinstance(shape, data.StructLayout) else shape
        assert Shape.cast(member).signed == entry["signed"]


def test_descriptor_and_record_fields() -> None:
    check_fields(descriptor_layout(), MANIFEST["descriptor"])
    check_fields(record_layout(), MANIFEST["vector_record"])
    check_fields(edge_layout(), MANIFEST["edge"])
    check_fields(term_layout(), MANIFEST["term"])


def test_codes_are_those_of_the_rtl() -> None:
    assert {entry["name"]: entry["value"] for entry in MANIFEST["statuses"]} == {s.name: s.value for s in Status}
    assert {entry["name"]: entry["value"] for entry in MANIFEST["opcodes"]} == {o.name: o.value for o in Opcode}
    assert next(e["meaning"] for e in MANIFEST["statuses"] if e["name"] == "BUS_ERROR") == (
        "A read or a write came back with an error."
    )


def test_components_state_their_latency() -> None:
    assert {name: part["cycles"] for name, part in MANIFEST["components"].items() if not part["cycles"]} == {}
    assert all(part["contract"] for part in MANIFEST["components"].values())


def test_the_page_in_docs_is_that_of_the_definitions() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / PAGE
    assert page.read_text() == register_page(MANIFEST), "docs/REGISTERS.md is out of date: make registers"


def test_every_register_and_field_has_a_meaning_and_its_own_bits() -> None:
    addresses = [entry["address"] for entry in MANIFEST["registers"]]
    addresses += [entry[half] for entry in MANIFEST["counters"] for half in ("address_low", "address_high")]
    assert sorted(addresses) == sorted(set(addresses))
    assert max(addresses) < MANIFEST["control_bytes"]
    for register in MANIFEST["registers"]:
        assert register["meaning"]
        taken = [bit for field in register["fields"] for bit in range(field["bit"], field["bit"] + field["bits"])]
        assert taken == sorted(set(taken)), register["name"]
        assert max(taken) < 32
        assert all(field["meaning"] for field in register["fields"])


def test_manifest_is_json_and_follows_the_configuration() -> None:
    config = AcceleratorConfig(entries_per_cycle=2, lanes=4, port_bits=128)
    described = manifest(config)
    assert json.loads(json.dumps(described)) == described
    assert described["configuration"]["lanes"] == 4
    assert described["configuration"]["port_bytes"] == 16
    assert described["configuration"]["score_record_bytes"] == 8


class Documented:
    first = 1
    """What the first
    is."""
    second = 2


def test_attribute_docs_reads_the_text_below() -> None:
    assert attribute_docs(Documented) == {"first": "What the first is.", "second": ""}
