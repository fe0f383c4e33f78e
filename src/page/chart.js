// Quality against cost as SVG, with the Pareto front; each point is a system that shows its figures when hovered.

const WIDE = 760, HIGH = 400, LEFT = 52, RIGHT = 14, TOP = 14, BOTTOM = 44, POINT = 5;

function retrievers() {
  return [...new Set(group().systems.map((system) => system.names.retriever))].sort();
}

function quantizers() {
  return [...new Set(group().systems.map((system) => system.names.quantizer || ""))].sort();
}

const colour = (system) => `r${retrievers().indexOf(system.names.retriever) % 7}`;
const reranked = (system) => system.names.search === "two_stage";

function shape(quantizer, r) {
  const turn = (count, first, radius) => Array.from({ length: count }, (_, i) => {
    const angle = first + (2 * Math.PI * i) / count;
    const length = typeof radius === "number" ? radius : radius[i % 2];
    return `${(length * Math.sin(angle)).toFixed(2)},${(-length * Math.cos(angle)).toFixed(2)}`;
  }).join("L");
  const bar = r * 0.42;
  const plus = `M${-bar},${-r}H${bar}V${-bar}H${r}V${bar}H${bar}V${r}H${-bar}V${bar}H${-r}V${-bar}H${-bar}Z`;
  const shapes = [
    `M${-r},0A${r},${r} 0 1 0 ${r},0A${r},${r} 0 1 0 ${-r},0Z`,
    `M${turn(4, Math.PI / 4, r * 1.25)}Z`,
    `M${turn(3, 0, r * 1.3)}Z`,
    `M${turn(4, 0, r * 1.3)}Z`,
    `M${turn(3, Math.PI, r * 1.3)}Z`,
    plus,
    `M${turn(10, 0, [r * 1.35, r * 0.6])}Z`,
    `M${turn(6, 0, r * 1.15)}Z`,
    `M${turn(5, 0, r * 1.15)}Z`,
  ];
  return shapes[quantizers().indexOf(quantizer || "") % shapes.length];
}

function glyph(system) {
  const look = `point ${colour(system)}${reranked(system) ? " reranked" : ""}`;
  return draw("svg", { class: "glyph", viewBox: "-8 -8 16 16", "aria-hidden": "true" },
    draw("path", { d: shape(system.names.quantizer, POINT), class: look }));
}

function scale(values, from, to, log) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const room = log ? Math.max(Math.log10(high / low) * 0.08, 0.05) : (high - low || Math.abs(high) || 1) * 0.08;
  const map = log ? Math.log10 : (value) => value;
  low = map(low) - room;
  high = map(high) + room;
  const place = (value) => from + ((map(value) - low) / (high - low)) * (to - from);
  place.ends = log ? [10 ** low, 10 ** high] : [low, high];
  return place;
}

function ticks([low, high], log, count) {
  if (log) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const step of Math.log10(high / low) > 3.5 ? [1] : [1, 2, 5]) found.push(step * 10 ** power);
    }
    return found.filter((value) => value >= low && value <= high);
  }
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

// Points of equal cost side by side: each as close to its position as it can be without covering one above it

function moveApart(points) {
  const placed = [];
  for (const point of [...points].sort((a, b) => a.y - b.y)) {
    const steps = Array.from({ length: 29 }, (_, i) => (i % 2 ? -1 : 1) * Math.ceil(i / 2) * POINT * 0.8);
    const free = (x) => placed.every((other) => Math.abs(other.x - x) >= POINT * 2.4 || Math.abs(other.y - point.y) >= POINT * 2.3);
    const step = steps.find((size) => free(point.x + size));
    point.x += step === undefined ? 0 : step;
    placed.push(point);
  }
}

function showChart(systems) {
  const shown = systems.filter((system) => costOf(system) !== null && quality(system));
  const best = front(shown);
  showFront(best);
  if (!shown.length) return byId("chart").replaceChildren(make("p", { class: "note" }, "None of these systems has both quality and cost."));
  const costs = shown.map((system) => costOf(system));
  const log = Math.min(...costs) > 0 && Math.max(...costs) / Math.min(...costs) >= 10;
  const x = scale(costs, LEFT, WIDE - RIGHT, log);
  const y = scale(shown.flatMap(quality), HIGH - BOTTOM, TOP, false);
  const points = shown.map((system) => ({ system, x: x(costOf(system)), y: y(quality(system)[0]) }));
  if (cost().apart) moveApart(points);
  const title = `${state.metric} against ${cost().label}, ${shown.length} systems`;
  byId("chart").replaceChildren(draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "chart", role: "group", "aria-label": title },
    axes(x, y, log, cost().apart ? `${cost().label}; equal sizes side by side` : cost().label, fewCosts(costs, x)), frontLine(best, x, y), points.map((point) => mark(point, y)), names(points, best)));
  showLegend(shown);
}

// The costs themselves if they are few, as far as there is room

function fewCosts(costs, x) {
  const counts = new Map();
  for (const cost of costs) counts.set(cost, (counts.get(cost) || 0) + 1);
  if (counts.size > 8) return null;
  const kept = [];
  for (const [cost] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (kept.every((other) => Math.abs(x(other) - x(cost)) > 40)) kept.push(cost);
  }
  return kept;
}

function axes(x, y, log, label, few) {
  const bottom = HIGH - BOTTOM;
  return draw("g", { class: "axes", "aria-hidden": "true" },
    (few || ticks(x.ends, log, 6)).map((value) => [
      draw("line", { x1: x(value), x2: x(value), y1: TOP, y2: bottom }),
      draw("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, short(value)),
    ]),
    ticks(y.ends, false, 6).map((value) => [
      draw("line", { x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 7, y: y(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(4)))),
    ]),
    draw("text", { x: (LEFT + WIDE - RIGHT) / 2, y: HIGH - 8, "text-anchor": "middle", class: "label" }, label),
    draw("text", { x: LEFT, y: TOP - 2, class: "label" },
      group().systems.some((system) => system.seeds.length > 1) ? `${state.metric} (mean over seeds; thin line: range)` : state.metric));
}

function frontLine(best, x, y) {
  const steps = best.map((system, i) => (i ? "H" : "M" + x(costOf(system)) + "," + y(quality(system)[0]) + "H")
    + x(costOf(system)) + "V" + y(quality(system)[0]));
  return draw("path", { d: `${steps.join("")}H${WIDE - RIGHT}`, class: "front" });
}
