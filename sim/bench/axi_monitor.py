"""A monitor of an AXI4 manager: what the specification asks of it, cycle by cycle."""

from typing import Any

from cocotb.triggers import ReadOnly, RisingEdge

PAGE_BYTES = 4096
INCREMENTING = 1


class AxiMonitor:
    """Watches the five channels and collects violations.

    Offers stay as they are until taken; bursts increment, are of whole aligned beats and inside a page of 4 KiB;
    WLAST ends each write burst, and every burst is answered as often as it was asked for.
    """

    def __init__(self, dut: Any, prefix: str) -> None:
        self.clock = dut.aclk
        self.resetn = dut.aresetn
        self.violations: list[str] = []
        self.asked = {"ar": 0, "aw": 0}
        self.ended = {"r": 0, "w": 0, "b": 0}
        self._to_write: list[int] = []
        self._beat = 0
        self._held: dict[str, tuple[int, ...]] = {}
        self._signals = {name: getattr(dut, f"{prefix}_{name}") for name in _names()}
        self._bytes = len(self._signals["wstrb"])

    async def watch(self) -> None:
        """Sample every cycle."""
        while True:
            await RisingEdge(self.clock)
            await ReadOnly()
            if int(self.resetn.value):
                self._sample()

    def check(self) -> None:
        """At rest: nothing was violated, nothing is open."""
        assert not self.violations, self.violations[:10]
        assert self.asked["ar"] == self.ended["r"]
        assert self.asked["aw"] == self.ended["w"] == self.ended["b"]
        assert not self._to_write

    def _value(self, name: str) -> int:
        return int(self._signals[name].value)

    def _sample(self) -> None:
        for channel, names in HELD.items():
            offer = tuple(self._value(name) for name in names) if self._value(f"{channel}valid") else None
            taken = offer is not None and self._value(f"{channel}ready")
            if channel in self._held and offer != self._held[channel]:
                self.violations.append(f"{channel}: {self._held[channel]} became {offer} before it was taken")
            self._held.pop(channel, None)
            if offer is not None and not taken:
                self._held[channel] = offer
            if offer is not None and taken:
                getattr(self, f"_{channel}")(*offer)
        for channel, last in (("r", self._value("rlast")), ("b", 1)):
            if self._value(f"{channel}valid") and self._value(f"{channel}ready") and last:
                self.ended[channel] += 1

    def _ar(self, *burst: int) -> None:
        self._burst("ar", *burst)

    def _aw(self, *burst: int) -> None:
        self._burst("aw", *burst)
        self._to_write.append(burst[1] + 1)

    def _w(self, _data: int, _strobe: int, last: int) -> None:
        self._beat += 1
        if not self._to_write:
            self.violations.append("w: data ahead of its address")
        elif bool(last) != (self._beat == self._to_write[0]):
            self.violations.append(f"w: wlast {last} at beat {self._beat} of {self._to_write[0]}")
        if last:
            self.ended["w"] += 1
            self._beat = 0
            self._to_write = self._to_write[1:]

    def _burst(self, channel: str, address: int, length: int, size: int, burst: int) -> None:
        self.asked[channel] += 1
        end = address % PAGE_BYTES + (length + 1) * self._bytes
        if end > PAGE_BYTES or address % self._bytes or 1 << size != self._bytes or burst != INCREMENTING:
            self.violations.append(f"{channel}: burst {(hex(address), length, size, burst)}")


HELD = {
    **{name: tuple(f"{name}{part}" for part in ("addr", "len", "size", "burst")) for name in ("ar", "aw")},
    "w": ("wdata", "wstrb", "wlast"),
}
"""Signals of the manager's channels that must not change while they wait."""


def _names() -> list[str]:
    ends = [f"{channel}{end}" for channel in ("ar", "r", "aw", "w", "b") for end in ("valid", "ready")]
    return [*ends, "rlast", *(name for names in HELD.values() for name in names)]
