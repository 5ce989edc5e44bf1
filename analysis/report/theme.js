// Dark or light: as the system asks until the button says otherwise. Widgets follow the page's custom properties; what is
// drawn on a canvas is told here.
const system = window.matchMedia("(prefers-color-scheme: dark)")
let chosen = null

function applyTheme() {
  const name = chosen ?? (system.matches ? "dark" : "light")
  document.documentElement.dataset.theme = name
  document.getElementById("theme").textContent = name == "dark" ? "Light" : "Dark"
  const style = getComputedStyle(document.documentElement)
  const [text, grid] = [style.getPropertyValue("--text").trim(), style.getPropertyValue("--grid").trim()]
  const plot = window.Bokeh?.documents[0]?.get_model_by_name("plot")
  if (plot == null) return
  plot.outline_line_color = grid
  for (const axis of [...plot.below, ...plot.left]) {
    axis.axis_label_text_color = text
    axis.major_label_text_color = text
    axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = text
  }
  for (const lines of plot.center) lines.grid_line_color = grid
}

document.getElementById("theme").addEventListener("click", () => {
  chosen = document.documentElement.dataset.theme == "dark" ? "light" : "dark"
  applyTheme()
})
system.addEventListener("change", applyTheme)
applyTheme()
