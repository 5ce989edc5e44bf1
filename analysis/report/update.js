// Everything the page computes: which points are shown, where they lie, which are on the front.
// Arguments: source, front, keep, filters, axes, sides, log_axes, titles, texts, selects, scale_buttons, objectives, show,
// plot, scales, tickers, formatters, count, legend, palette, ramp.
const data = source.data
const size = source.get_length()
const epsilon = 1e-9

function passes({column, widget, values, log}) {
  const cells = data[column]
  if (values == null) {
    // a slider at an end is open at that end; points without a value pass a slider that is open at both
    const [low, high] = widget.value
    const below = low <= widget.start + epsilon, above = high >= widget.end - epsilon
    return (row) => {
      const cell = log ? Math.log10(cells[row]) : cells[row]
      return (below || cell >= low) && (above || cell <= high)
    }
  }
  const picked = widget.active != null ? widget.active.map((place) => values[place]) : widget.value
  // a list of texts that is empty chooses nothing in particular
  const shown = new Set(widget.active == null && picked.length == 0 ? values : picked)
  return (row) => shown.has(cells[row])
}

// The rows that no other row is better than in all columns: after sorting, only kept rows can beat a row.
function on_front(rows, columns) {
  const costs = new Map()
  for (const row of rows) {
    const cost = columns.map((name) => -sides[name] * data[name][row])
    if (cost.every(Number.isFinite)) costs.set(row, cost)
  }
  const order = [...costs.keys()].sort((a, b) => {
    const place = costs.get(a).findIndex((cost, at) => cost != costs.get(b)[at])
    return place < 0 ? 0 : costs.get(a)[place] - costs.get(b)[place]
  })
  const kept = []
  for (const row of order) {
    const cost = costs.get(row)
    const beaten = kept.some((other) => {
      const better = costs.get(other)
      return better.every((value, at) => value <= cost[at]) && better.some((value, at) => value < cost[at])
    })
    if (!beaten) kept.push(row)
  }
  return kept
}

const tests = filters.map(passes)
const rows = []
for (let row = 0; row < size; row++) if (tests.every((test) => test(row))) rows.push(row)

const across = selects.x.value, up = selects.y.value
const is_log = {x: scale_buttons.active.includes(0), y: scale_buttons.active.includes(1)}
const chosen = objectives.names.filter((_, place) => objectives.widget.active.includes(place))
const goals = chosen.length > 0 ? chosen : [...new Set([across, up])].filter((name) => sides[name] != 0)
const best = goals.length > 0 ? on_front(rows, goals) : []
const [shows_front, only_front] = [show.active.includes(0), show.active.includes(1)]
const shown = only_front ? best : rows

const place_of = (cells, row, log) => (Number.isFinite(cells[row]) && (!log || cells[row] > 0) ? cells[row] : NaN)
const xs = new Float64Array(size).fill(NaN), ys = new Float64Array(size).fill(NaN)
for (const row of shown) {
  xs[row] = place_of(data[across], row, is_log.x)
  ys[row] = place_of(data[up], row, is_log.y)
}

// colors: a palette for few values, a ramp for numbers
const tint = selects.color.value
const hues = new Array(size), few = texts[tint]
if (few != null) {
  const order = new Map(few.map((value, place) => [value, palette[place % palette.length]]))
  for (let row = 0; row < size; row++) hues[row] = order.get(data[tint][row])
} else {
  const scale = (value) => (log_axes[tint] ? Math.log10(value) : value)
  const cells = Array.from(data[tint]).filter(Number.isFinite).map(scale)
  const low = cells.reduce((a, b) => Math.min(a, b), Infinity), high = cells.reduce((a, b) => Math.max(a, b), -Infinity)
  for (let row = 0; row < size; row++) {
    const share = (scale(data[tint][row]) - low) / (high - low || 1)
    hues[row] = Number.isFinite(share) ? ramp[Math.round(share * (ramp.length - 1))] : "#888888"
  }
}

data.x = xs
data.y = ys
data.color = hues
source.change.emit()
const flags = new Array(size).fill(false)
for (const row of shown) flags[row] = true
keep.booleans = flags

// the front: rings on its points; a line only where the two axes are what is compared
const ringed = shows_front ? best.filter((row) => Number.isFinite(xs[row]) && Number.isFinite(ys[row])) : []
ringed.sort((a, b) => xs[a] - xs[b])
front.data = {x: ringed.map((row) => xs[row]), y: ringed.map((row) => ys[row])}
const line = plot.renderers.find((one) => one.name == "front-line")
line.visible = goals.length == 2 && goals.includes(across) && goals.includes(up)
line.glyph.mode = sides[across] > 0 ? "before" : "after"

for (const [side, column] of [["x", across], ["y", up]]) {
  const axis = side == "x" ? plot.below[0] : plot.left[0], kind = is_log[side] ? 1 : 0
  plot[`${side}_scale`] = scales[side][kind]
  axis.ticker = tickers[kind]
  axis.formatter = formatters[kind]
  axis.axis_label = titles[column]
}

const format = (number) => number.toLocaleString("en")
const named = goals.map((name) => titles[name]).join("; ")
count.text = `<b id="shown">${format(shown.length)}</b> of ${format(size)} points`
  + (goals.length > 0 ? `, <b id="best">${format(best.length)}</b> on the front of ${named}` : "")
const clean = (value) => String(value).replace(/&/g, "&amp;").replace(/</g, "&lt;")
const chip = (color, text) => `<span style="white-space:nowrap;margin-right:1em"><span style="color:${color}">&#9679;</span> ${clean(text)}</span>`
if (few != null) legend.text = few.map((value, place) => chip(palette[place % palette.length], value)).join("")
else legend.text = chip(ramp[0], "least") + chip(ramp[ramp.length - 1], `greatest ${titles[tint]}`)
