"""The DDR4 preset held against a controller that others wrote: LiteDRAM, with its behavioral PHY and DRAM."""
