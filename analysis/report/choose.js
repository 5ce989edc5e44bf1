// A new axis begins with the scale that suits it, and with everything in view. Arguments: selects, scale_buttons, log_axes,
// plot, and `update`, which runs as the scales change or here.
const active = [selects.x, selects.y].flatMap((select, place) => (log_axes[select.value] ? [place] : []))
if (String(active) == String(scale_buttons.active)) update.execute(scale_buttons)
else scale_buttons.active = active
plot.reset.emit()
