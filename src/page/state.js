// What the reader has chosen. Every part of the page that shows systems is redrawn when it changes.

const state = { group: 0, metric: "", budget: null, words: "", chosen: {}, cost: "" };
const parts = [];

const group = () => summary.groups[state.group];
const block = (name) => `g${state.group}-${name}`;
const quality = (system) => system.quality[state.metric];
const cost = () => group().costs.find(({ name }) => name === state.cost);
const costOf = (system) => system.costs[state.cost][0];

function visible() {
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  return group().systems.filter((system) => {
    const text = [system.label, ...Object.values(system.names)].join(" ").toLowerCase();
    const [bytes] = system.costs.bytes_per_passage;
    return (
      words.every((word) => text.includes(word)) &&
      (state.budget === null || (bytes !== null && bytes <= state.budget)) &&
      Object.entries(state.chosen).every(([name, values]) => !values.size || values.has(system.names[name]))
    );
  });
}

function changed() {
  const shown = visible();
  const all = group().systems.length;
  byId("count").textContent = shown.length === all ? `All ${all} systems` : `${shown.length} of ${all} systems`;
  for (const part of parts) part(shown);
}

// The systems that no other beats in both cost and quality, from the cheapest to the best

function front(systems) {
  const kept = [];
  for (const system of [...systems].sort((a, b) => costOf(a) - costOf(b) || quality(b)[0] - quality(a)[0])) {
    const last = kept[kept.length - 1];
    const equal = last && costOf(last) === costOf(system) && quality(last)[0] === quality(system)[0];
    if (!last || equal || quality(system)[0] > quality(last)[0]) kept.push(system);
  }
  return kept;
}

function showFilters() {
  setOptions(byId("metric"), group().metrics.map((name) => [name, name]), state.metric);
  const choices = group().filters.map((name) => {
    const values = [...new Set(group().systems.map((system) => system.names[name]))];
    const buttons = values.map((value) => toggle(value === null ? "none" : value, false, (on) => {
      const chosen = (state.chosen[name] = state.chosen[name] || new Set());
      if (on) chosen.add(value);
      else chosen.delete(value);
      changed();
    }));
    return make("fieldset", { "data-filter": name }, make("legend", {}, name), buttons);
  });
  byId("choices").replaceChildren(...choices);
}

function toggle(text, on, act) {
  const button = make("button", { type: "button", "aria-pressed": String(on), class: "toggle" }, text);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    act(now);
  });
  return button;
}
