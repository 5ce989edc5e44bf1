"""The flat table that sweeps end in: its columns by who fills them, and what they hold."""

from dataclasses import fields

from .point import DesignPoint

CONFIGURATION = tuple(field.name for field in fields(DesignPoint))

TIMING = {
    "cycles_forward": "cycles: the forward step, the update that waits for the chosen token",
    "cycles_denominators": "cycles: scores of A'",
    "cycles_numerators": "cycles: scores of A' .* C of the default edge",
    "cycles_listed": "cycles: listed scores of the other edges",
    "cycles": "cycles: the whole token step, one chain; the four above add up to it",
    "bytes_weights": "bytes on the port: weight stream",
    "bytes_vectors": "bytes on the port: vectors, read and written",
    "bytes_scores": "bytes on the port: scores written",
    "bytes_other": "bytes on the port: descriptors, tables, records, lists, emission columns, headers",
    "bytes_total": "bytes on the port",
    "bytes_local": "bytes read and written in the memory on chip",
    "entries": "entries of the weight stream that gather took",
    "multiply_accumulates": "entries times the lanes that they served",
    "pass_words": "words of W elements of element-wise passes",
    "busy_cycles": "cycles: gather took entries",
    "stall_input": "cycles: gather waited for the next group's z",
    "stall_output": "cycles: gather's results had nowhere to go",
    "stall_memory": "cycles: gather waited for entries",
    "stall_idle": "cycles: no group to gather, set-up and drain",
    "roofline_cycles": "cycles: the largest term, summed over all groups",
    "roofline_limit": "which term that is",
    "over_roofline": "cycles over roofline_cycles",
    "latency_us": "us: cycles over clock_mhz",
    "model_bytes": "bytes of the packed matrices: alpha twice, beta",
    "automaton_states": "states of the constraint's automaton",
    "listed_lanes": "edges of beams beside their default one",
    "source": "timing model, or RTL",
}
SETUP = {
    "cycles_setup": "cycles: edge weights, edge sums and backward steps of the whole backward table",
    "setup_us": "us: cycles_setup over clock_mhz",
    "bytes_setup": "bytes on the port for it",
    "table_bytes": "bytes: the table of all lengths",
    "table_step_bytes": "bytes: its rows of one length",
    "automaton_edges": "edges whose weights are computed, end-of-text included",
}
COST = {
    "area_logic_um2": "um2: logic",
    "area_memory_um2": "um2: memories",
    "area_mm2": "mm2: both",
    "area_low_mm2": "mm2: low end of the band",
    "area_high_mm2": "mm2: high end of the band",
    "area_kind": "of the logic: measured, fitted or estimated",
    "gate_equivalents": "logic in gate equivalents",
    "fmax_mhz": "MHz: greatest clock",
    "fmax_kind": "measured, scaled or assumed",
    "leakage_mw": "mW",
    "bits_on_chip": "bits of memory",
    "energy_low_uj": "uJ a token step, full path: low end of the band",
    "energy_uj": "uJ a token step, full path to DRAM",
    "energy_high_uj": "uJ a token step, full path: high end of the band",
    "energy_device_uj": "uJ a token step, of DRAM the device alone",
    "energy_memory_uj": "uJ: DRAM, full path, with standby and refresh; the parts below add up to energy_uj",
    "energy_arithmetic_uj": "uJ: arithmetic",
    "energy_control_uj": "uJ: the engine around the lanes",
    "energy_sram_uj": "uJ: memories on chip",
    "energy_clock_uj": "uJ: flip-flops and the clock tree",
    "energy_leakage_uj": "uJ: leakage while the step lasts",
    "energy_dram_uj": "uJ: DRAM, full path, without standby and refresh",
    "energy_activation_uj": "uJ: opening rows, told apart: part of what the device takes",
    "energy_background_uj": "uJ: standby of DRAM while the step lasts",
    "energy_refresh_uj": "uJ: refresh of DRAM in that time",
}
SETUP_COST = {
    "energy_setup_low_uj": "uJ a constraint's whole backward table, full path: low end of the band",
    "energy_setup_uj": "uJ a constraint's whole backward table, full path to DRAM",
    "energy_setup_high_uj": "uJ a constraint's whole backward table, full path: high end of the band",
    "energy_setup_memory_uj": "uJ: what of energy_setup_uj is DRAM's",
}
FPGA = {
    "fpga_luts": "LUTs of an UltraScale+ chip, those that are memories included",
    "fpga_flip_flops": "flip-flops there",
    "fpga_dsps": "DSP slices",
    "fpga_block_rams": "block RAMs of 36 kbit",
    "fpga_ultra_rams": "UltraRAMs of 288 kbit",
    "fpga_kind": "of LUTs, flip-flops and DSP slices: measured or fitted; memories follow the shapes of the blocks",
}
QUALITY = {
    "quality_success": "share of concept sets whose text contains every concept",
    "quality_nat_per_token": "nat: log likelihood of a token under the quantized model",
    "quality_kl": "nat: KL of the next token from the float model",
    "quality_rouge_l": "ROUGE-L in percent",
    "quality_bits_per_weight": "bits of the smaller layout a weight",
    "quality_size": "the size that these were measured at",
    "published_success": "success at H = 4096, beam 128 (arXiv 2509.25439)",
    "published_rouge_l": "ROUGE-L in percent there",
}
STATUS = {
    "status": "ok, impossible, or failed",
    "reason": "why a point is impossible, or how it failed",
}
FILLED_BY = {"timing": TIMING, "setup": SETUP, "cost": COST, "setup_cost": SETUP_COST, "fpga": FPGA, "quality": QUALITY}
"""Columns of each evaluator."""
COLUMNS = (*CONFIGURATION, *(name for columns in FILLED_BY.values() for name in columns), *STATUS)
"""Every column, in order."""
