// Every filter lets everything pass again.
for (const {widget, values} of filters) {
  if (values == null) widget.value = [widget.start, widget.end]
  else if (widget.active != null) widget.active = values.map((_, place) => place)
  else widget.value = []
}
