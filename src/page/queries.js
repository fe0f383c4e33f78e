// The query browser's list: queries that contain given words, or those on which two systems differ most.

const AT_ONCE = 60;
const ORDERS = [["apart", "A and B differ most"], ["first", "A better than B"], ["second", "B better than A"], ["given", "order of the run"]];
const asked = { open: null, shown: AT_ONCE, found: [], chosen: -1, columns: [] };

async function openBrowser() {
  const known = group().browser;
  const [queries, ranks, sizes, pools, grades] = await Promise.all([
    json(block("queries")), numbers(block("ranks"), Uint16Array), numbers(block("sizes"), Uint32Array),
    numbers(block("pools"), Uint32Array), numbers(block("grades"), Uint8Array),
  ]);
  const starts = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, q) => { starts[q + 1] = starts[q] + size; });
  let fresh = 0; // passages are numbered as they appear; 0 stands for the next one
  const passages = pools.map((back) => (back ? fresh - back : fresh++));
  const lower = queries.texts.map((text, q) => `${text} ${queries.qids[q]}`.toLowerCase());
  asked.open = { known, queries, ranks, starts, passages, grades, lower, scores: null };
  const options = known.systems.map((place, s) => [s, group().systems[place].label]);
  const baseline = known.systems.findIndex((place) => group().systems[place].label === group().baseline);
  const order = known.systems.map((_, s) => s).sort((a, b) => mean(b) - mean(a));
  const first = order[0];
  const second = baseline >= 0 && baseline !== first ? baseline : order[1] === undefined ? first : order[1];
  asked.columns = first === second ? [first] : [first, second];
  setOptions(byId("first"), options, first);
  setOptions(byId("second"), options, second);
  setOptions(byId("order"), ORDERS, options.length > 1 ? "apart" : "given");
  byId("opened").hidden = false;
  byId("open").hidden = true;
  await findQueries();
}

function mean(s) {
  const values = quality(group().systems[group().browser.systems[s]]);
  return values ? values[0] : -1;
}

const measured = (s, q) => asked.open.scores[s * asked.open.queries.qids.length + q];
const NO_SCORE = 65535;
const share = (value) => value / (NO_SCORE - 1);

async function findQueries() {
  const open = asked.open;
  if (!open) return;
  open.scores = await numbers(block(`scores-${state.metric}`), Uint16Array);
  const words = byId("asked").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [a, b, order] = [Number(byId("first").value), Number(byId("second").value), byId("order").value];
  const scored = (q) => measured(a, q) !== NO_SCORE && measured(b, q) !== NO_SCORE;
  const apart = (q) => (scored(q) ? measured(a, q) - measured(b, q) : 0);
  let found = open.lower.map((text, q) => q).filter((q) => words.every((word) => open.lower[q].includes(word)));
  if (order === "apart") found.sort((p, q) => Math.abs(apart(q)) - Math.abs(apart(p)) || p - q);
  if (order === "first") found = found.filter((q) => apart(q) > 0).sort((p, q) => apart(q) - apart(p) || p - q);
  if (order === "second") found = found.filter((q) => apart(q) < 0).sort((p, q) => apart(p) - apart(q) || p - q);
  asked.found = found;
  asked.shown = AT_ONCE;
  showQueries();
  if (found.length && !found.includes(asked.chosen)) await showQuery(found[0]);
  else if (found.length) await showQuery(asked.chosen);
  else byId("query").replaceChildren(make("p", { class: "note" }, "No query contains all these words."));
}

function showQueries() {
  const { found, shown, open } = asked;
  const [a, b] = [Number(byId("first").value), Number(byId("second").value)];
  const text = (s, q) => (measured(s, q) === NO_SCORE ? "\u2013" : share(measured(s, q)).toFixed(2));
  byId("found").textContent = found.length === 1 ? "1 query" : `${whole(found.length)} queries`;
  byId("list").replaceChildren(...found.slice(0, shown).map((q) => make("li", {},
    make("button", { type: "button", class: "pick", "aria-current": q === asked.chosen ? "true" : null, "data-q": q, onclick: () => showQuery(q) },
      make("span", {}, open.queries.texts[q] || open.queries.qids[q]),
      make("span", { class: "quiet figures" }, `A ${text(a, q)}  B ${text(b, q)}`)))));
  byId("more").hidden = shown >= found.length;
}

function chooseSystems() {
  asked.columns = [Number(byId("first").value), Number(byId("second").value), ...asked.columns.slice(2)];
  return findQueries();
}
