// The page: images in, what the encoder says of them out. Nothing leaves the browser.

import { cosine, loadEncoder } from "./encoder.js";

const find = (id) => document.getElementById(id);
const config = JSON.parse(find("config").textContent);
const images = []; // { name, url, embedding, className }
let encoder;
let chosen = []; // at most two of `images`

function say(text) {
  find("status").textContent = text;
}

/** Embeds files one after another, so that the page stays usable; those that are no images are named. */
async function add(files, className = "") {
  const refused = [];
  let milliseconds = 0;
  for (const [i, file] of files.entries()) {
    say(`Embedding ${i + 1} of ${files.length}`);
    try {
      const begun = performance.now();
      const embedding = await encoder.embed(file);
      milliseconds += performance.now() - begun;
      images.push({ name: file.name, url: URL.createObjectURL(file), embedding, className });
    } catch (error) {
      console.warn(file.name, error);
      refused.push(file.name);
    }
    show();
  }
  const done = files.length - refused.length;
  const time = done ? `, ${(milliseconds / done).toFixed(0)} ms each, decoding included` : "";
  say(`${done} embedded${time}.${refused.length ? ` Not images that this browser reads: ${refused.join(", ")}.` : ""}`);
}

/** The class whose examples are nearest on average, by cosine, and that cosine; null without classes. */
function classify(embedding) {
  const cosines = new Map();
  for (const example of images.filter((image) => image.className)) {
    const of = cosines.get(example.className) ?? [];
    cosines.set(example.className, [...of, cosine(example.embedding, embedding)]);
  }
  const means = [...cosines].map(([name, of]) => ({ name, value: of.reduce((a, b) => a + b) / of.length }));
  return means.length ? means.reduce((a, b) => (b.value > a.value ? b : a)) : null;
}

function tile(image) {
  const figure = document.createElement("figure");
  const button = document.createElement("button");
  const picture = document.createElement("img");
  const caption = document.createElement("figcaption");
  Object.assign(picture, { src: image.url, alt: image.name });
  button.setAttribute("aria-pressed", String(chosen.includes(image)));
  button.addEventListener("click", () => choose(image));
  button.append(picture);
  const best = image.className ? null : classify(image.embedding);
  caption.textContent = image.className || (best ? `${best.name}, ${best.value.toFixed(3)}` : image.name);
  if (image.className) figure.className = "example";
  figure.append(button, caption);
  return figure;
}

function choose(image) {
  chosen = chosen.includes(image) ? chosen.filter((one) => one !== image) : [...chosen, image].slice(-2);
  show();
}

function show() {
  find("images").replaceChildren(...images.map(tile));
  find("save").disabled = !images.length;
  find("clear").disabled = !images.length;
  find("compared").textContent =
    chosen.length === 2
      ? `Cosine of ${chosen[0].name} and ${chosen[1].name}: ${cosine(chosen[0].embedding, chosen[1].embedding).toFixed(4)}`
      : "Choose two images to compare them.";
}

function save() {
  const rows = images.map(({ name, className, embedding }) => ({ name, class: className, embedding: [...embedding] }));
  const text = JSON.stringify({ model: config.model, sha256: config.sha256, images: rows });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "embeddings.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

function clear() {
  images.forEach((image) => URL.revokeObjectURL(image.url));
  images.length = 0;
  chosen = [];
  show();
  say("Ready.");
}

function listen() {
  find("pick").addEventListener("change", (event) => add([...event.target.files]));
  find("enroll").addEventListener("change", (event) => {
    const name = find("class-name").value.trim();
    if (name) add([...event.target.files], name);
    else say("Give the class a name first.");
    event.target.value = "";
  });
  find("save").addEventListener("click", save);
  find("clear").addEventListener("click", clear);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
}

try {
  const accelerator = new URLSearchParams(location.search).get("accelerator") ?? undefined;
  encoder = await loadEncoder(config.address, accelerator);
  listen();
  show();
  find("pick").disabled = find("enroll").disabled = false;
  const by = encoder.accelerator === "webgpu" ? "the graphics processor (WebGPU)" : "the processor (WebAssembly)";
  say(`Ready, on ${by}.`);
  window.encoder = encoder; // for the console
} catch (error) {
  console.error(error);
  say(`The encoder cannot be loaded: ${error.message ?? error}`);
}
