"use strict";

const token = document.getElementById("token").dataset.token;
const at = (id) => document.getElementById(id);
let state = null;
let busy = false;

// Every request answers with the state after it, which is then shown.
async function request(path, body) {
  if (busy) return;
  setBusy(true);
  const last = path === "/answer" && state.waiting.length === 1;
  if (last || path === "/write") at("progress").textContent = "Training the head …";
  try {
    const options = body === undefined ? {} : {
      method: "POST",
      headers: { "X-Token": token, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    };
    const response = await fetch(path, options);
    const answer = await response.json();
    if (response.ok) {
      state = answer;
      showError("");
    } else {
      showError(answer.error);
    }
  } catch (error) {
    showError("No answer from byol-keras label: is it still running? Every label so far is saved.");
  }
  setBusy(false);
  if (state !== null) show();
}

function setBusy(value) {
  busy = value;
  document.body.setAttribute("aria-busy", value);
}

function showError(text) {
  at("error").textContent = text;
  at("error").hidden = !text;
}

function answer(label) {
  if (state !== null && state.waiting.length) request("/answer", { image: state.waiting[0], class: label });
}

function addClass() {
  const name = at("name").value.trim();
  if (!name || busy) return;
  at("name").value = "";
  at("name").blur();
  answer(name);
}

function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

function key(index) {
  return index < 9 ? String(index + 1) : index === 9 ? "0" : "";
}

function show() {
  const [current, next] = state.waiting;
  const skipped = state.skipped ? `, ${state.skipped} skipped` : "";
  const round = state.waiting.length ? `${state.waiting.length} to go in this round` : "all done";
  at("progress").textContent = `${round} · ${state.labeled} of ${state.total} labeled${skipped}`;
  at("image").hidden = current === undefined;
  at("notice").hidden = current !== undefined;
  if (current === undefined) {
    at("notice").textContent = "Every image is labeled or skipped.";
  } else if (at("image").dataset.index !== String(current)) {
    at("image").dataset.index = current;
    at("image").src = `/image/${current}`;
  }
  if (next !== undefined) new Image().src = `/image/${next}`;
  at("classes").replaceChildren(...state.classes.map((each, index) => {
    const button = element("button");
    if (key(index)) button.append(element("kbd", key(index)));
    button.append(each.name);
    button.disabled = current === undefined;
    button.onclick = () => answer(each.name);
    return button;
  }));
  at("skip").disabled = current === undefined;
  at("undo").disabled = !state.can_undo;
  showTable();
}

function showTable() {
  const trained = state.classes.some((each) => each.predicted !== null);
  at("write").disabled = !(trained || state.classes.length > 1);
  at("table").hidden = !state.classes.length;
  at("table").tBodies[0].replaceChildren(...state.classes.map((each) => {
    const row = element("tr");
    const samples = element("td");
    for (const index of each.samples) {
      const image = element("img");
      image.src = `/image/${index}`;
      image.alt = "";
      image.loading = "lazy";
      samples.append(image);
    }
    row.append(element("td", each.name), element("td", each.labeled));
    row.append(element("td", each.predicted === null ? "" : each.predicted), samples);
    return row;
  }));
  at("accuracy").textContent = accuracy(trained);
}

function accuracy(trained) {
  if (!trained) return "Name at least two classes; after each round a head is trained on what you labeled.";
  if (state.accuracy === null) return "Too few labels yet to say how often the head is right.";
  const { share, error, count } = state.accuracy;
  const percent = (value) => (100 * value).toFixed(0);
  return `Right about ${percent(share)} % (± ${percent(error)}) of ${count} labeled images, each by a head ` +
    "trained without it. These were not chosen at random, so take it as a rough guide to the others.";
}

at("new").onsubmit = (event) => { event.preventDefault(); addClass(); };
at("skip").onclick = () => answer(null);
at("undo").onclick = () => request("/undo", {});
at("write").onclick = async () => {
  if (state) delete state.written;  // what is said below is of this time
  await request("/write", {});
  at("written").textContent = state.written ? `Written: ${state.written.join(", ")}` : "";
};
at("image").onerror = () => {
  delete at("image").dataset.index;  // tried again when it is shown again
  at("image").hidden = true;
  at("notice").hidden = false;
  at("notice").textContent = "This image cannot be shown: skip it.";
};
at("image").onload = () => { at("notice").hidden = true; };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (document.activeElement === at("name")) {
    if (event.key === "Escape") at("name").blur();
    return;
  }
  const index = state === null ? -1 : state.classes.findIndex((_, i) => key(i) === event.key);
  const actions = { s: () => at("skip").click(), u: () => at("undo").click(), n: () => at("name").focus() };
  if (index >= 0) answer(state.classes[index].name);
  else if (actions[event.key]) actions[event.key]();
  else return;
  event.preventDefault();
});

request("/state");
