// What every part of the page needs: questions to the program, long work with its progress, what was said.

export const $ = id => document.getElementById(id);

// What each part of the page has said last, its status and its error; those of the part that is seen are shown.
const said = {};
let seen = "";

function tell() {
  [$("status").textContent, $("error").textContent] = said[seen] ?? ["", ""];
}

// Gives the function by which a part of the page says something; without a status, the last one stays.
export function voice(part) {
  return (status, error = "") => {
    said[part] = [status ?? said[part]?.[0] ?? "", error];
    if (part === seen) tell();
  };
}

export function see(part) {
  seen = part;
  tell();
}

export function make(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

async function answered(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The program does not answer. Start it again and open the address that it prints; your text is kept.");
  }
  const isJson = response.headers.get("Content-Type") === "application/json";
  const answer = isJson ? await response.json() : await response.blob();
  if (!response.ok) throw new Error(answer.error ?? "The program refused this.");
  return answer;
}

export function ask(path, body) {
  return answered(path, body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
}

export function upload(path, file) {
  return answered(path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
}

export const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));

// Waits for work that the program has started, and shows in `place` how far it is, with a button that cancels it.
// Gives what the work has made; null if it was cancelled.
export async function work(started, place) {
  const bar = make("progress"), words = make("span", { role: "status" });
  const cancel = make("button", { type: "button", textContent: "Cancel" });
  place.replaceChildren(bar, words, cancel);
  place.hidden = false;
  try {
    const { job } = await started;
    cancel.addEventListener("click", () => ask("cancel", { job }).catch(() => {}));
    for (;;) {
      const now = await ask(`job?job=${job}`);
      if (now.state === "done") return { job, result: await ask(`result?job=${job}`) };
      if (now.state === "failed") throw new Error(now.error);
      if (now.state === "cancelled") return null;
      if (now.of) Object.assign(bar, { max: now.of, value: now.done });
      words.textContent = now.what;
      await wait(200);
    }
  } finally {
    place.hidden = true;
  }
}

// Makes a label with a file field take files that are dropped on it, too.
export function takesFiles(input, take) {
  const label = input.closest(".drop");
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  for (const name of ["dragenter", "dragover"]) {
    label.addEventListener(name, event => {
      event.preventDefault();
      label.classList.add("over");
    });
  }
  label.addEventListener("dragleave", () => label.classList.remove("over"));
  label.addEventListener("drop", event => {
    event.preventDefault();
    label.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}

export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
