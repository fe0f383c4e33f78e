// From the summary to the page, and what its controls do.

function showGroup(number) {
  state.group = number;
  state.chosen = {};
  state.metric = group().metrics.includes(state.metric) ? state.metric : group().metrics[0];
  state.cost = state.cost || group().costs[0].name;
  byId("data-name").textContent = group().name;
  byId("remarks").replaceChildren(...[...summary.explanation, ...group().remarks].map((line) => make("p", {}, `${line}.`)));
  byId("same").textContent = group().same ? `Same for all systems: ${group().same}` : "";
  table.column = group().columns.findIndex((column) => column.head === state.metric);
  table.down = true;
  setOptions(byId("cost"), group().costs.map(({ name, label }) => [name, label]), state.cost);
  showFilters();
  showParts();
  asked.open = null;
  asked.chosen = -1;
  byId("opened").hidden = true;
  byId("open").hidden = false;
  const known = group().browser;
  byId("browser").hidden = !known;
  if (known) byId("browser-contents").textContent = contentsOf(known);
  changed();
}

function contentsOf(known) {
  const lines = [`${whole(known.queries)} queries with the top ${known.k} passages of each system's first seed`];
  if (known.texts) lines.push(`passages are cut to ${known.cut} characters`);
  else lines.push("ids only, because the corpus was not available when this page was written");
  if (known.texts && !known.judged) lines.push("this data has no relevance judgements; answers are highlighted in the passages");
  return `${lines.join("; ")}. ${(known.bytes / 1e6).toFixed(1)} MB, unpacked when opened.`;
}

function chooseMetric() {
  const before = group().columns.findIndex((column) => column.head === state.metric);
  state.metric = byId("metric").value;
  if (table.column === before) table.column = group().columns.findIndex((column) => column.head === state.metric);
  changed();
  findQueries();
}

function clearFilters() {
  Object.assign(state, { budget: null, words: "", chosen: {} });
  byId("budget").value = "";
  byId("words").value = "";
  showFilters();
  changed();
}

function later(act) {
  let waiting;
  return () => { clearTimeout(waiting); waiting = setTimeout(act, 120); };
}

parts.push(showChart, showTable, showMatrix);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("data").addEventListener("change", () => showGroup(Number(byId("data").value)));
byId("metric").addEventListener("change", chooseMetric);
byId("cost").addEventListener("change", () => { state.cost = byId("cost").value; changed(); });
byId("budget").addEventListener("input", () => {
  const value = byId("budget").valueAsNumber;
  state.budget = Number.isNaN(value) ? null : value;
  changed();
});
byId("words").addEventListener("input", () => { state.words = byId("words").value; changed(); });
byId("clear").addEventListener("click", clearFilters);
byId("matrix").addEventListener("keydown", moveInMatrix);
byId("open").addEventListener("click", openBrowser);
byId("asked").addEventListener("input", later(findQueries));
byId("first").addEventListener("change", chooseSystems);
byId("second").addEventListener("change", chooseSystems);
byId("order").addEventListener("change", findQueries);
byId("more").addEventListener("click", () => { asked.shown += AT_ONCE; showQueries(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

byId("notes").hidden = !summary.notes.length;
byId("notes").querySelector("ul").append(...summary.notes.map((note) => make("li", {}, note)));
if (!("DecompressionStream" in window)) {
  byId("notes").hidden = false;
  byId("notes").querySelector("ul").append(make("li", {}, "Significance and queries: this browser cannot unpack them (it has no DecompressionStream)."));
  for (const group of summary.groups) Object.assign(group, { matrices: [], browser: null });
}
setOptions(byId("data"), summary.groups.map(({ name }, number) => [number, name]), 0);
byId("data-choice").hidden = summary.groups.length < 2;
byId("data-name").hidden = summary.groups.length > 1;
showGroup(0);
document.documentElement.dataset.ready = "true";
