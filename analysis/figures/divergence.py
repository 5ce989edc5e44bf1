"""What quantization and the number formats cost in next-token distributions."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ..job.row import Row
from .style import COLORS, MARKERS, label_widths, model_name, models_of, of_model, panels


def divergence_figure(rows: Sequence[Row]) -> Figure:
    """Return mean KL over the index width: whole lines against the unquantized model, dotted the datapath alone."""
    figure, (axis,) = panels(1, width=6.4, height=4.2)
    for model, color, marker in zip(models_of(rows), COLORS, MARKERS, strict=False):
        chosen = of_model(rows, model, "sparse")
        bits = [row.bits for row in chosen]
        for line, part, values in (
            ("-", "Norm-Q", [row.kl_quantization_nat for row in chosen]),
            (":", "datapath", [row.kl_arithmetic_nat for row in chosen]),
        ):
            axis.plot(bits, values, line, color=color, marker=marker, label=f"{model_name(model)}: {part}")
    axis.set_yscale("log")
    axis.set_ylabel("mean KL of the next token (nat)")
    label_widths(axis, rows)
    figure.legend(loc="outside right center", fontsize="small", frameon=False)
    return figure
