// The query browser's list: questions by their words, or those on which two systems differ most.

const AT_ONCE = 60;
const ORDERS = [["apart", "A and B differ most"], ["first", "A better than B"], ["second", "B better than A"], ["given", "as in the run"]];
const asked = { open: null, shown: AT_ONCE, found: [], chosen: -1, columns: [] };

async function openBrowser() {
  const known = group().browser;
  const [questions, ranks, sizes, pools, grades] = await Promise.all([
    json(block("questions")), numbers(block("ranks"), Uint16Array), numbers(block("sizes"), Uint32Array),
    numbers(block("pools"), Uint32Array), numbers(block("grades"), Uint8Array),
  ]);
  const starts = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, q) => { starts[q + 1] = starts[q] + size; });
  let fresh = 0; // passages are numbered as they appear; 0 stands for the next one
  const passages = pools.map((back) => (back ? fresh - back : fresh++));
  const lower = questions.texts.map((text, q) => `${text} ${questions.qids[q]}`.toLowerCase());
  asked.open = { known, questions, ranks, starts, passages, grades, lower, figures: null };
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
  await findQuestions();
}

function mean(s) {
  const told = quality(group().systems[group().browser.systems[s]]);
  return told ? told[0] : -1;
}

const measured = (s, q) => asked.open.figures[s * asked.open.questions.qids.length + q];
const NOT_COUNTED = 65535;
const share = (value) => value / (NOT_COUNTED - 1);

async function findQuestions() {
  const open = asked.open;
  if (!open) return;
  open.figures = await numbers(block(`figures-${state.metric}`), Uint16Array);
  const words = byId("asked").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [a, b, order] = [Number(byId("first").value), Number(byId("second").value), byId("order").value];
  const told = (q) => measured(a, q) !== NOT_COUNTED && measured(b, q) !== NOT_COUNTED;
  const apart = (q) => (told(q) ? measured(a, q) - measured(b, q) : 0);
  let found = open.lower.map((text, q) => q).filter((q) => words.every((word) => open.lower[q].includes(word)));
  if (order === "apart") found.sort((p, q) => Math.abs(apart(q)) - Math.abs(apart(p)) || p - q);
  if (order === "first") found = found.filter((q) => apart(q) > 0).sort((p, q) => apart(q) - apart(p) || p - q);
  if (order === "second") found = found.filter((q) => apart(q) < 0).sort((p, q) => apart(p) - apart(q) || p - q);
  asked.found = found;
  asked.shown = AT_ONCE;
  showQuestions();
  if (found.length && !found.includes(asked.chosen)) await showQuestion(found[0]);
  else if (found.length) await showQuestion(asked.chosen);
  else byId("question").replaceChildren(make("p", { class: "note" }, "No question holds all these words."));
}

function showQuestions() {
  const { found, shown, open } = asked;
  const [a, b] = [Number(byId("first").value), Number(byId("second").value)];
  const text = (s, q) => (measured(s, q) === NOT_COUNTED ? "\u2013" : share(measured(s, q)).toFixed(2));
  byId("found").textContent = found.length === 1 ? "1 question" : `${whole(found.length)} questions`;
  byId("list").replaceChildren(...found.slice(0, shown).map((q) => make("li", {},
    make("button", { type: "button", class: "pick", "aria-current": q === asked.chosen ? "true" : null, "data-q": q, onclick: () => showQuestion(q) },
      make("span", {}, open.questions.texts[q] || open.questions.qids[q]),
      make("span", { class: "quiet figures" }, `A ${text(a, q)}  B ${text(b, q)}`)))));
  byId("more").hidden = shown >= found.length;
}

function chooseSystems() {
  asked.columns = [Number(byId("first").value), Number(byId("second").value), ...asked.columns.slice(2)];
  return findQuestions();
}
