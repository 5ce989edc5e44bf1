// Runs analysis/report/update.js once, as Bokeh would, on models that are plain objects. stdin: {code, args}; stdout: what
// it set. JSON has no NaN: null stands for it among numbers.
const {code, args} = JSON.parse(require("fs").readFileSync(0, "utf8"))
for (const [name, cells] of Object.entries(args.data)) {
  if (cells.some((cell) => typeof cell == "number")) args.data[name] = cells.map((cell) => cell ?? NaN)
}
const size = Object.values(args.data)[0].length
const plain = {
  ...args,
  source: {data: args.data, get_length: () => size, change: {emit() {}}},
  front: {},
  keep: {},
  plot: {renderers: [{name: "front-line", glyph: {}}], below: [{}], left: [{}]},
  scales: {x: ["linear", "log"], y: ["linear", "log"]},
  tickers: ["linear", "log"],
  formatters: ["linear", "log"],
  count: {},
  legend: {},
}
delete plain.data
new Function(...Object.keys(plain), code)(...Object.values(plain))
const {data} = plain.source
const result = {
  x: [...data.x], y: [...data.y], color: data.color, keep: plain.keep.booleans, count: plain.count.text,
  legend: plain.legend.text, plot: plain.plot, front: plain.front.data,
}
process.stdout.write(JSON.stringify(result))
