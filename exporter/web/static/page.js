// Keeps the page current: fetches the same page again and applies the differences. The server renders everything,
// so without this file the page looks the same but stays as it was when loaded.
"use strict";

const interval = Number(document.body.dataset.refresh) * 1000;
const patience = 8000; // milliseconds without a response after which the exporter counts as lost
let lastAnswer = new Date();

// Make `now` (in the page) equal to `next` (from the server), touching only what differs: bars move smoothly, and a
// selection or a screen reader's focus survives.
function takeOver(now, next) {
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName) {
    now.replaceWith(document.importNode(next, true));
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.data !== next.data) now.data = next.data;
    return;
  }
  for (const { name } of [...now.attributes]) {
    // What somebody has opened stays open.
    if (!next.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
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

// The old figures stay, faded. Nobody knows the machine's current state, so the page must not claim that all is well.
function showLost() {
  if (document.body.classList.contains("lost")) return;
  document.body.classList.add("lost");
  // UTC, as in the page's footer.
  document.getElementById("lost-since").textContent = ` since ${lastAnswer.toISOString().slice(11, 19)} UTC`;
  document.getElementById("lost").hidden = false;
  const badge = document.getElementById("badge");
  badge.className = badge.textContent = "unknown";
  document.title = `${document.querySelector("h1").textContent}: unknown, not answering`;
}

async function refresh() {
  try {
    const answer = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(patience) });
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
    document.dispatchEvent(new Event("refreshed"));
    showFound();
  } catch {
    showLost();
  }
}

async function keepCurrent() {
  // A page that nobody is looking at makes no requests.
  if (!document.hidden) await refresh();
  setTimeout(keepCurrent, interval);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(keepCurrent, interval);
