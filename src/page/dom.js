// Building the page. Text is always set as text, never as HTML.

function make(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

function draw(tag, properties, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

const byId = (id) => document.getElementById(id);

function setOptions(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  select.value = String(chosen);
}

// Numbers as the command line's tables show them

const figure = (value) => value.toFixed(3);
const signed = (value, digits) => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(digits);
const whole = (value) => Math.round(value).toLocaleString("en-US");
const probability = (value) => (value < 0.001 ? "< 0.001" : `= ${value.toFixed(3)}`);

function short(value) {
  if (Math.abs(value) >= 99.95) return whole(value);
  if (Number.isInteger(value)) return String(value);
  if (Math.abs(value) >= 9.995) return value.toFixed(1);
  return Math.abs(value) >= 0.9995 ? value.toFixed(2) : value.toPrecision(3);
}
