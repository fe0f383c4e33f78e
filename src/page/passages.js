// One query: its relevant passages, and the top passages of each chosen system side by side.

async function passage(number) {
  const size = asked.open.known.chunk;
  return (await json(block(`texts-${Math.floor(number / size)}`)))[number % size];
}

async function showQuery(q) {
  const { open } = asked;
  asked.chosen = q;
  for (const button of byId("list").querySelectorAll("button")) {
    if (Number(button.dataset.q) === q) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  const start = open.starts[q];
  const members = Array.from(open.passages.subarray(start, open.starts[q + 1]));
  const texts = await Promise.all(members.map(passage));
  if (asked.chosen !== q) return; // the reader has chosen another query
  const pool = members.map((_, place) => ({ text: texts[place], grade: open.grades[start + place] }));
  const { texts: asks, qids, answers } = open.queries;
  const relevant = pool.filter(({ grade }) => grade > 1);
  byId("query").replaceChildren(
    make("h3", {}, asks[q] || qids[q]),
    make("p", { class: "quiet" }, [qids[q], answers[q].length ? `answers: ${answers[q].join("; ")}` : ""].filter(Boolean).join(" \u00b7 ")),
    relevant.length ? make("details", {}, make("summary", {}, countRelevant(relevant.length, open.queries.relevant[q])),
      make("ul", { class: "hits" }, relevant.map((one) => hit(one, answers[q], [])))) : null,
    adder(q),
    make("div", { class: "systems" }, asked.columns.map((s, place) => column(q, s, place, pool, answers[q]))));
}

// Of many relevant passages the page has the first few and those that a system ranks in its top

function countRelevant(there, all) {
  return there < all ? `${there} of ${all} relevant passages` : all === 1 ? "1 relevant passage" : `${all} relevant passages`;
}

function adder(q) {
  const known = asked.open.known.systems;
  const free = known.map((place, s) => [s, group().systems[place].label]).filter(([s]) => !asked.columns.includes(s));
  const select = make("select", {});
  setOptions(select, [["", "choose a system"], ...free], "");
  select.addEventListener("change", () => { asked.columns.push(Number(select.value)); showQuery(q); });
  return free.length ? make("p", {}, make("label", {}, "Compare with ", select)) : null;
}

const ranking = (q, s) => {
  const { known, ranks } = asked.open;
  const start = (q * known.systems.length + s) * known.k;
  return Array.from(ranks.subarray(start, start + known.k)).filter(Boolean).map((place) => place - 1);
};

function column(q, s, place, pool, answers) {
  const { known } = asked.open;
  const other = asked.columns[place === 0 ? 1 : 0];
  const otherRanking = other === undefined ? null : ranking(q, other);
  const value = measured(s, q);
  const letter = String.fromCharCode(65 + place);
  const system = group().systems[known.systems[s]];
  const remove = place < 2 ? null : make("button", { type: "button", "aria-label": `Remove ${system.label}`, onclick: () => {
    asked.columns.splice(place, 1);
    showQuery(q);
  } }, "\u00d7");
  const entries = ranking(q, s).map((member) => {
    const there = otherRanking ? otherRanking.indexOf(member) + 1 : 0;
    const name = place === 0 ? "B" : "A";
    return hit(pool[member], answers, otherRanking ? [there ? `${name}: rank ${there}` : `not in ${name}'s top ${known.k}`] : []);
  });
  return make("section", { class: "system-column", "aria-label": system.label },
    make("h4", {}, make("span", { class: "letter" }, letter), glyph(system), system.label, remove),
    make("p", { class: "quiet" }, `${state.metric} ${value === NO_SCORE ? "\u2013" : share(value).toFixed(3)}, seed ${known.seeds[s]}`),
    entries.length ? make("ol", { class: "hits" }, entries) : make("p", { class: "note" }, "No passages found."));
}

function hit({ text: [pid, title, body], grade }, answers, notes) {
  const marks = [];
  if (grade > 1) marks.push(make("span", { class: "mark relevant" }, grade > 2 ? `relevant, grade ${grade - 1}` : "relevant"));
  if (grade === 1) marks.push(make("span", { class: "mark" }, "judged not relevant"));
  return make("li", { class: grade > 1 ? "hit good" : "hit" },
    make("div", { class: "about" }, marks, notes.map((line) => make("span", { class: "quiet" }, line)), make("code", {}, pid)),
    title ? make("strong", {}, title) : null,
    body === undefined ? null : make("p", {}, marked(body, answers)));
}

// The text with literal occurrences of the answers marked

function marked(text, answers) {
  const words = answers.filter(Boolean).map((answer) => answer.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return text;
  const pieces = text.split(new RegExp(`(${words.sort((a, b) => b.length - a.length).join("|")})`, "iu"));
  return pieces.map((piece, number) => (number % 2 ? make("mark", {}, piece) : piece));
}
