// The table of results: sorted by any column, groups of columns shown or hidden.

const PARTS = [["quality", "Other metrics"], ["spread", "Range over seeds"], ["size", "Size"], ["speed", "Speed"], ["time", "Build time"], ["setting", "Settings"]];
const ORDER = ["system", "chosen", "size", "speed", "quality", "time", "setting"]; // of the parts in the table
const table = { column: -1, down: true, shown: new Set(["quality", "size", "speed", "setting"]) };

function showParts() {
  const there = new Set(group().columns.map((column) => column.part));
  if (group().systems.some((system) => system.seeds.length > 1)) there.add("spread");
  const buttons = PARTS.filter(([part]) => there.has(part)).map(([part, text]) =>
    toggle(text, table.shown.has(part), (on) => {
      if (on) table.shown.add(part);
      else table.shown.delete(part);
      changed();
    }));
  byId("parts").replaceChildren(...buttons);
}

// The columns shown, [column, its number]: the chosen metric comes first and is always shown

function columnsShown() {
  const part = (column) => (column.head === state.metric ? "chosen" : column.part);
  return group().columns.map((column, number) => [column, number])
    .filter(([column]) => ["system", "chosen"].includes(part(column)) || table.shown.has(column.part))
    .sort(([a, i], [b, j]) => ORDER.indexOf(part(a)) - ORDER.indexOf(part(b)) || i - j);
}

const isWord = (column) => column.best === null;

function sortBy(number) {
  const best = group().columns[number].best;
  table.down = table.column === number ? !table.down : best === "highest";
  table.column = number;
  table.clicked = true;
  showTable(visible());
}

function compare(a, b) {
  const [one, other] = [a.cells[table.column][0], b.cells[table.column][0]];
  if (one === null || other === null) return (one === null) - (other === null);
  const apart = typeof one === "number" && typeof other === "number"
    ? one - other
    : String(one).localeCompare(String(other), "en", { numeric: true });
  return table.down ? -apart : apart;
}

function showTable(systems) {
  const shown = columnsShown();
  const ordered = table.column < 0 ? systems : [...systems].sort(compare);
  const head = shown.map(([column, number]) => make("th", {
    scope: "col",
    class: isWord(column) ? "name" : "number",
    "aria-sort": number === table.column ? (table.down ? "descending" : "ascending") : null,
  }, make("button", { type: "button", onclick: () => sortBy(number) }, broken(column.head))));
  const rows = ordered.map((system) => make("tr", { "data-label": system.label },
    shown.map(([column, number], place) => cell(system, column, system.cells[number], group().best[number], place === 0))));
  byId("table").replaceChildren(make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows));
  if (table.clicked) byId("table").querySelector("[aria-sort] button").focus(); // the head was replaced, with its buttons
  table.clicked = false;
}

function cell(system, column, [value, text, brackets, sign, tested], best, first) {
  const content = [first ? glyph(system) : null, text];
  if (brackets && table.shown.has("spread")) content.push(make("small", {}, ` ${brackets}`));
  if (group().baseline && column.part === "quality") {
    const look = sign ? `sign ${sign > 0 ? "up" : "down"}` : "sign";
    content.push(make("span", { class: look, title: outcome(tested) }, sign ? (sign > 0 ? "\u25b2" : "\u25bc") : ""));
  }
  if (first && system.label === group().baseline) content.push(make("small", {}, " baseline"));
  const look = [isWord(column) ? "name" : "number", value !== null && text === best ? "best" : ""].join(" ").trim();
  return first ? make("th", { scope: "row", class: look }, content) : make("td", { class: look }, content);
}

// A head that may break where it has a line break and after a dot: "quantizer.bits"

function broken(head) {
  return head.split(/(?<=\.)|\n/).flatMap((piece, place) => (place ? [make("wbr"), head.includes("\n") && !head.includes("/\n") ? ` ${piece}` : piece] : [piece]));
}

function outcome(tested) {
  if (!tested) return "";
  const [difference, low, high, p, queries, over] = tested;
  const chance = p === null ? "not tested (single seed)" : `p ${probability(p)}, tested over ${over}`;
  return `${signed(difference, 4)} from the baseline (95% CI ${signed(low, 4)} to ${signed(high, 4)}), ${chance}, ${whole(queries)} queries`;
}
