// Reads the lines of the cards at one moment: under the mouse, under a finger, or wherever the arrow keys have moved it.
// A line is its own data: x is the time (300 is now), 100 minus y the percentage.
"use strict";

const width = 300;
let at = null; // the line that is read, and how many seconds ago: { svg, ago }

const spoken = document.createElement("p"); // outside the parts that page.js keeps current
spoken.className = "spoken";
spoken.setAttribute("role", "status");
document.body.append(spoken);

function pointsOf(svg) {
  const seconds = Number(svg.dataset.seconds);
  const found = svg.querySelector(".stroke").getAttribute("d").matchAll(/[ML]([\d.]+) ([\d.]+)/g);
  return [...found].map(([, x, y]) => ({ x, y, ago: (1 - x / width) * seconds }));
}

function nearest(points, ago) {
  return points.reduce((best, point) => (Math.abs(point.ago - ago) < Math.abs(best.ago - ago) ? point : best));
}

function inWords(point) {
  const seconds = Math.round(point.ago);
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  const parts = hours ? [hours, "h", minutes % 60, "min"] : minutes ? [minutes, "min", seconds % 60, "s"] : [seconds, "s"];
  const time = seconds ? `${parts.join("\u00a0").replace(/([a-z])\u00a0/, "$1 ")} ago` : "now";
  return `${time}: ${Math.floor(100 - point.y)}\u00a0%`;
}

function draw() {
  if (at && !at.svg.isConnected) at = null;
  for (const svg of document.querySelectorAll("svg.line")) {
    const point = at && nearest(pointsOf(svg), at.ago);
    svg.querySelector(".cursor").setAttribute("d", point ? `M${point.x} 100V0` : "");
    svg.querySelector(".spot").setAttribute("d", point ? `M${point.x} ${point.y}h0` : "");
    const words = svg.nextElementSibling;
    words.classList.toggle("read", Boolean(point));
    words.textContent = point ? inWords(point) : svg.getAttribute("aria-label").split(": ")[1];
  }
}

function read(svg, ago) {
  at = svg && { svg, ago };
  draw();
}

function lineAt(event) {
  return event.target instanceof Element ? event.target.closest("svg.line") : null;
}

function follow(event) {
  const svg = lineAt(event);
  if (svg) {
    const { left, width: wide } = svg.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / wide));
    read(svg, (1 - share) * svg.dataset.seconds);
  } else if (at && at.svg !== document.activeElement) {
    read(null);
  }
}

function move(event) {
  const svg = lineAt(event);
  if (!svg || event.altKey || event.ctrlKey || event.metaKey) return;
  const points = pointsOf(svg);
  const last = points.length - 1;
  const now = at ? points.indexOf(nearest(points, at.ago)) : last;
  const to = { ArrowLeft: Math.max(0, now - 1), ArrowRight: Math.min(last, now + 1), Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  read(svg, points[to].ago);
  spoken.textContent = inWords(points[to]);
}

document.addEventListener("pointerdown", follow);
document.addEventListener("pointermove", follow);
// A finger always leaves: what it read stays until the next tap.
document.documentElement.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && follow(event));
document.addEventListener("keydown", move);
document.addEventListener("focusin", (event) => {
  const svg = lineAt(event);
  if (svg && at?.svg !== svg) read(svg, 0);
});
document.addEventListener("focusout", (event) => lineAt(event) && read(null));
document.addEventListener("refreshed", draw);
