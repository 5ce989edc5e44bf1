"""A timing model of the engine: its control, cycle by cycle, without data (docs/TIMING.md).

Every file stands for one file of rtl/ and follows it signal by signal, names included. A unit is one record of NumPy's
structured type: first its registers, then the wires of the current cycle. Its functions come in two kinds: those that
compute wires, in the order of `cycle.py`, from registers and from wires computed before; and one `..._step`, the clock
edge, which writes the unit's own registers and reads of other units nothing but wires.
"""
