// Every pair of systems: their difference in the chosen metric, and whether it may be chance.

const ALPHA = 0.05;
let drawn = 0;
let inView = false; // it is drawn when it is about to scroll into view

new IntersectionObserver(([entry]) => {
  inView = entry.isIntersecting;
  if (inView && byId("matrix").dataset.late) showMatrix(visible());
}, { rootMargin: "400px" }).observe(byId("significance"));

async function showMatrix(systems) {
  const mine = ++drawn;
  byId("significance").hidden = !group().matrices.includes(state.metric);
  if (byId("significance").hidden) return;
  byId("matrix").dataset.late = inView ? "" : "late";
  if (!inView) return;
  const tested = await json(block(`matrix-${state.metric}`));
  if (mine !== drawn) return; // the reader has chosen something else
  const all = group().systems;
  const shown = systems.map((system) => [system, tested.systems.indexOf(all.indexOf(system))]).filter(([, place]) => place >= 0);
  shown.sort((a, b) => quality(b[0])[0] - quality(a[0])[0]);
  const apart = (i, j) => {
    const place = i > j ? (i * (i - 1)) / 2 + j : (j * (j - 1)) / 2 + i;
    return [i > j ? tested.differences[place] : -tested.differences[place], tested.p[place]];
  };
  const count = tested.p.filter((p) => p !== null).length;
  const head = shown.map(([system], number) => make("th", { scope: "col", title: system.label }, String(number + 1)));
  const rows = shown.map(([system, i], number) => make("tr", {},
    make("th", { scope: "row" }, make("span", { class: "rank" }, String(number + 1)), glyph(system), system.label),
    shown.map(([other, j]) => pairCell(system, other, i === j ? null : apart(i, j), count))));
  byId("matrix").replaceChildren(make("thead", {}, make("tr", {}, make("td", {}), head)), make("tbody", {}, rows));
  byId("pair").textContent = "\u00a0";
  const first = byId("matrix").querySelector("tbody td");
  if (first) first.tabIndex = 0;
}

function pairCell(system, other, found, pairs) {
  if (!found) return make("td", { class: "same" }, "");
  const [difference, p] = found;
  const sure = p !== null && p < ALPHA;
  const look = sure ? (difference > 0 ? "better" : "worse") : "unsure";
  const chance = p === null
    ? "not tested: a single seed does not show how much seeds vary"
    : `p ${probability(p)} after correction for ${whole(pairs)} pairs, ${sure ? "significant" : "not significant"}`;
  const text = `${system.label} minus ${other.label}: ${state.metric} ${signed(difference, 4)}, ${chance}`;
  const describe = () => { byId("pair").textContent = text; };
  const short = Math.abs(difference) < 0.0005 ? "0" : signed(difference, 3).replace("0.", ".");
  return make("td", { class: look, tabindex: "-1", onmouseenter: describe, onfocus: describe, "aria-label": text }, short);
}

function moveInMatrix(event) {
  const cell = event.target.closest("tbody td");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!cell || !step) return;
  const row = cell.parentElement;
  const next = byId("matrix").tBodies[0].rows[row.sectionRowIndex + step[0]];
  const target = next && next.cells[cell.cellIndex + step[1]];
  if (!target || target.tagName !== "TD") return;
  event.preventDefault();
  cell.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}
