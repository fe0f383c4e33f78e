// The points of the chart: their tooltips, their labels, and the legend.

function mark({ system, x, y: height }, y) {
  const [, low, high] = quality(system);
  const point = (event) => showTip(system, event.currentTarget);
  return draw("g", { class: "system", tabindex: "0", role: "img", "aria-label": describe(system).join(", "), "data-label": system.label,
    onmouseenter: point, onfocus: point, onmouseleave: hideTip, onblur: hideTip },
  draw("line", { x1: x, x2: x, y1: y(low), y2: y(high), class: "spread" }),
  draw("path", { d: shape(system.names.quantizer, POINT), transform: `translate(${x},${height})`,
    class: `point ${colour(system)}${reranked(system) ? " reranked" : ""}` }));
}

function describe(system) {
  const [mean, low, high] = quality(system);
  const lines = [system.label, `${state.metric} ${mean.toFixed(4)}`];
  if (system.seeds.length > 1) lines.push(`${low.toFixed(4)} to ${high.toFixed(4)} over ${system.seeds.length} seeds`);
  const known = group().costs.filter(({ name }) => system.costs[name][0] !== null);
  return [...lines, ...known.map(({ name, title }) => `${title} ${system.costs[name][1]}`)];
}

function showTip(system, target) {
  const tip = byId("tip");
  const [name, ...lines] = describe(system);
  tip.replaceChildren(make("strong", {}, name), lines.map((line) => make("div", {}, line)).reduce((box, line) => (box.append(line), box), make("div")));
  tip.hidden = false;
  const box = target.querySelector(".point").getBoundingClientRect();
  const left = box.left + 16 + tip.offsetWidth > window.innerWidth ? box.left - tip.offsetWidth - 6 : box.right + 6;
  tip.style.left = `${Math.max(4, left) + window.scrollX}px`;
  tip.style.top = `${box.top + window.scrollY - tip.offsetHeight / 2}px`;
  const row = byId("table").querySelector(`tr[data-label="${CSS.escape(system.label)}"]`);
  if (row) row.classList.add("pointed");
}

function hideTip() {
  byId("tip").hidden = true;
  for (const row of document.querySelectorAll("tr.pointed")) row.classList.remove("pointed");
}

// Labels of the points on the front, each where it covers no point and no other label

function names(points, best) {
  const taken = points.map(({ x, y }) => [x - POINT, y - POINT, x + POINT, y + POINT]);
  const free = ([left, top, right, bottom]) => left >= LEFT && right <= WIDE - 2 && top >= 0 && bottom <= HIGH - BOTTOM
    && taken.every((box) => right <= box[0] || left >= box[2] || bottom <= box[1] || top >= box[3]);
  return [...best].reverse().map((system) => {
    const { x, y } = points.find((point) => point.system === system);
    const width = system.label.length * 6.1;
    const places = [10, 18, 28, 40].flatMap((away) => [[-width - away * 0.6, -away], [-width / 2, -away], [-width - away, 0], [away * 0.6, -away], [away, 0], [away * 0.6, away]]);
    const found = places.map(([dx, dy]) => [x + dx, y + dy - 6, x + dx + width, y + dy + 6]).find(free);
    if (!found) return null;
    taken.push(found);
    return draw("text", { x: found[0], y: found[3] - 2, class: "named", "aria-hidden": "true" }, system.label);
  });
}

function showLegend(systems) {
  const one = (name, value) => systems.find((system) => (system.names[name] || "") === value);
  const entry = (look, form, text) => make("span", { class: "entry" },
    draw("svg", { class: "glyph", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, draw("path", { d: form, class: `point ${look}` })), text);
  const round = (system) => entry(colour(system), shape(quantizers()[0], POINT), system.names.retriever);
  const lines = [
    ["Retriever", retrievers().map((name) => one("retriever", name)).filter(Boolean).map(round)],
    ["Compression", quantizers().filter((name) => one("quantizer", name)).map((name) => entry("any", shape(name, POINT), name || "none"))],
  ];
  if (new Set(systems.map(reranked)).size > 1) {
    lines.push(["Search", [entry("any", shape(quantizers()[0], POINT), "one stage"), entry("any reranked", shape(quantizers()[0], POINT), "reranked")]]);
  }
  byId("legend").replaceChildren(...lines.map(([title, entries]) => make("div", { class: "kind" }, make("strong", {}, title), make("div", { class: "line" }, entries))));
}

function showFront(best) {
  const top = best.length ? quality(best[best.length - 1])[0] : 0;
  const head = [[cost().title, "number"], ["system", "name"], [state.metric, "number"], ["vs. best", "number"]];
  const rows = best.map((system) => make("tr", { "data-label": system.label },
    make("td", { class: "number" }, system.costs[state.cost][1]), make("th", { scope: "row", class: "name" }, glyph(system), system.label),
    make("td", { class: "number" }, figure(quality(system)[0])),
    make("td", { class: "number" }, quality(system)[0] === top ? "\u2013" : signed(quality(system)[0] - top, 3))));
  byId("front").replaceChildren(
    make("thead", {}, make("tr", {}, head.map(([text, look]) => make("th", { scope: "col", class: look }, text)))), make("tbody", {}, rows));
}
