// From the summary to the page, and what its controls do.

function showGroup(number) {
  state.group = number;
  state.chosen = {};
  state.metric = group().metrics.includes(state.metric) ? state.metric : group().metrics[0];
  byId("data-name").textContent = group().name;
  byId("told").textContent = [...summary.told, ...group().told].join(". ");
  byId("same").textContent = group().same ? `The same in all: ${group().same}` : "";
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
  if (known) byId("browser-told").textContent = tellBrowser(known);
  changed();
}

function tellBrowser(known) {
  const told = [`${whole(known.questions)} questions, the first ${known.k} passages of each system's first seed`];
  if (known.texts) told.push(`passages are cut at ${known.cut} characters`);
  else told.push("the corpus was not there when this page was written: ids without texts");
  if (known.texts && !known.judged) told.push("passages are not judged in this data; answers are marked where they stand in the text shown");
  return `${told.join("; ")}. ${(known.bytes / 1e6).toFixed(1)} MB, unpacked when opened.`;
}

function chooseMetric() {
  const before = group().columns.findIndex((column) => column.head === state.metric);
  state.metric = byId("metric").value;
  if (table.column === before) table.column = group().columns.findIndex((column) => column.head === state.metric);
  changed();
  findQuestions();
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
byId("asked").addEventListener("input", later(findQuestions));
byId("first").addEventListener("change", chooseSystems);
byId("second").addEventListener("change", chooseSystems);
byId("order").addEventListener("change", findQuestions);
byId("more").addEventListener("click", () => { asked.shown += AT_ONCE; showQuestions(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

byId("notes").hidden = !summary.notes.length;
byId("notes").querySelector("ul").append(...summary.notes.map((note) => make("li", {}, note)));
if (!("DecompressionStream" in window)) {
  byId("notes").hidden = false;
  byId("notes").querySelector("ul").append(make("li", {}, "Significance and questions: this browser cannot unpack them (it lacks DecompressionStream)."));
  for (const group of summary.groups) Object.assign(group, { matrices: [], browser: null });
}
setOptions(byId("data"), summary.groups.map(({ name }, number) => [number, name]), 0);
byId("data-choice").hidden = summary.groups.length < 2;
byId("data-name").hidden = summary.groups.length > 1;
showGroup(0);
document.documentElement.dataset.ready = "true";
