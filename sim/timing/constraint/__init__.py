"""The constraint unit (rtl/constraint/) cycle by cycle: it runs alone, so it has a cycle of its own."""
