// The page's data: the summary at once, everything else unpacked when it is first used.

const summary = JSON.parse(byId("summary").textContent);
const unpacked = new Map();
const everything = new Promise((done) => document.addEventListener("DOMContentLoaded", done)); // packed data come last

function unpack(name) {
  if (!unpacked.has(name)) unpacked.set(name, inflate(name));
  return unpacked.get(name);
}

async function inflate(name) {
  await everything;
  const element = byId(name);
  const text = atob(element.textContent);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  element.remove(); // its text is not needed twice
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const decoded = new Map();

function json(name) {
  if (!decoded.has(name)) decoded.set(name, unpack(name).then((buffer) => JSON.parse(new TextDecoder().decode(buffer))));
  return decoded.get(name);
}

const numbers = (name, Type) => unpack(name).then((buffer) => new Type(buffer));
