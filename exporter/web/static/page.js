// Keeps the page current: asks the server for the same page again and takes over what differs. The server
// draws, so the page is the same without this file; it then shows the moment of loading.
"use strict";

const interval = Number(document.body.dataset.refresh) * 1000;
const patience = 8000; // milliseconds without an answer after which the exporter counts as gone
let lastAnswer = new Date();

// Make `now` (in the page) like `next` (from the server), touching only what differs: a bar moves, a
// selection or the focus of a screen reader stays.
function takeOver(now, next) {
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName) {
    now.replaceWith(document.importNode(next, true));
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.data !== next.data) now.data = next.data;
    return;
  }
  for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  const old = [...now.childNodes];
  const fresh = [...next.childNodes];
  old.slice(fresh.length).forEach((node) => node.remove());
  fresh.forEach((node, i) => (old[i] ? takeOver(old[i], node) : now.append(document.importNode(node, true))));
}

function showFound() {
  document.body.classList.remove("lost");
  document.getElementById("lost").hidden = true;
}

// The old figures stay, faded; how the machine is now, nobody knows: it must not be called well.
function showLost() {
  if (document.body.classList.contains("lost")) return;
  document.body.classList.add("lost");
  // UTC, as in the foot of the page.
  document.getElementById("lost-since").textContent = ` since ${lastAnswer.toISOString().slice(11, 19)} UTC`;
  document.getElementById("lost").hidden = false;
  const badge = document.getElementById("badge");
  badge.className = badge.textContent = "unknown";
  document.title = `${document.querySelector("h1").textContent}: unknown, not answering`;
}

async function refresh() {
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    lastAnswer = new Date();
    document.title = next.title;
    const icon = next.querySelector("link[rel=icon]").href;
    const shown = document.querySelector("link[rel=icon]");
    if (shown.href !== icon) shown.href = icon;
    for (const part of ["header", "main", "footer"]) {
      takeOver(document.querySelector(part), next.querySelector(part));
    }
    showFound();
  } catch {
    showLost();
  }
}

async function keepCurrent() {
  // A page nobody looks at asks for nothing.
  if (!document.hidden) await refresh();
  setTimeout(keepCurrent, interval);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(keepCurrent, interval);
