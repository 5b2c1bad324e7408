// Keeps the page current: fetches the same page again and applies the differences. The server renders everything,
// so without this file the page looks the same but stays as it was when loaded.
"use strict";

const interval = Number(document.body.dataset.refresh) * 1000;
const patience = 8000; // milliseconds without a response after which the exporter counts as lost
const brief = 1000; // the same, if the last response is older than that
const icon = document.querySelector("link[rel=icon]");
let lastAnswer = new Date();

// What a node is: a card stays that card, and what is open in it open, when an alert appears above it.
function nameOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  const part = ["div", "section", "svg", "ul"].includes(node.localName) ? node.classList[0] : "";
  return `${node.nodeName} ${node.id || node.getAttribute("aria-labelledby") || part}`;
}

// Make `now` (in the page) equal to `next` (from the server), touching only what differs: bars move smoothly, and a
// selection or a screen reader's focus survives.
function takeOver(now, next) {
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
  for (const node of next.childNodes) {
    const place = node.nodeType === Node.TEXT_NODE ? 0 : old.findIndex((each) => nameOf(each) === nameOf(node));
    if (place < 0 || !old.length || nameOf(old[place]) !== nameOf(node)) {
      now.insertBefore(document.importNode(node, true), old[0] ?? null);
    } else {
      old.splice(0, place).forEach((gone) => gone.remove());
      takeOver(old.shift(), node);
    }
  }
  old.forEach((gone) => gone.remove());
}

function showFound() {
  document.body.classList.remove("lost");
  document.getElementById("lost").hidden = true;
}

// The old figures stay, faded. Nobody knows the machine's current state, so the page must not claim that all is well.
function showLost() {
  if (document.body.classList.contains("lost")) return;
  document.body.classList.add("lost");
  // UTC, as in the page's footer; with the date, if that is not clear.
  const since = lastAnswer.toISOString();
  const moment = Date.now() - lastAnswer < 12 * 3600 * 1000 ? since.slice(11, 19) : since.slice(0, 16).replace("T", " ");
  document.getElementById("lost-since").textContent = ` since ${moment} UTC`;
  document.getElementById("lost").hidden = false;
  const badge = document.getElementById("badge");
  badge.className = badge.textContent = "unknown";
  document.title = `${document.querySelector("h1").textContent}: unknown, not answering`;
  icon.href = document.body.dataset.unknown;
}

async function refresh() {
  // After a pause, such as a night with the lid closed, the page is not taken for the present any longer than it must be.
  const soon = Date.now() - lastAnswer > patience ? setTimeout(showLost, brief) : 0;
  try {
    const answer = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    lastAnswer = new Date();
    document.title = next.title;
    const shown = next.querySelector("link[rel=icon]").href;
    if (icon.href !== shown) icon.href = shown;
    for (const part of ["header", "main", "footer"]) {
      takeOver(document.querySelector(part), next.querySelector(part));
    }
    document.dispatchEvent(new Event("refreshed"));
    showFound();
  } catch {
    showLost();
  } finally {
    clearTimeout(soon);
  }
}

async function keepCurrent() {
  // A page that nobody is looking at makes no requests.
  if (!document.hidden) await refresh();
  setTimeout(keepCurrent, interval);
}

// Once the exporter is gone, this icon can only come from the browser's cache, which keeps it for a day.
const keepIcon = () => fetch(document.body.dataset.unknown).catch(() => {});
keepIcon();
setInterval(keepIcon, 3600 * 1000);

document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(keepCurrent, interval);
