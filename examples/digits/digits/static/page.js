"use strict";

const paper = document.getElementById("paper");
const result = document.getElementById("result");
const predictButton = document.getElementById("predict");
const pen = paper.getContext("2d");
pen.lineWidth = 34;
pen.lineCap = pen.lineJoin = "round";
pen.strokeStyle = "#111";

// --- Drawing: mouse, finger and pen are all pointers. Each has its own line, so that a second finger draws as well.
const last = new Map();

function place(event) {
  const box = paper.getBoundingClientRect();
  return [((event.clientX - box.left) * paper.width) / box.width, ((event.clientY - box.top) * paper.height) / box.height];
}

function line(from, to) {
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  const point = place(event);
  last.set(event.pointerId, point);
  line(point, point);
});
paper.addEventListener("pointermove", (event) => {
  if (!last.has(event.pointerId)) return;
  // Browsers hand over several moves at once; each of them is a point of the stroke.
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length ? moves : [event]) {
    const point = place(move);
    line(last.get(event.pointerId), point);
    last.set(event.pointerId, point);
  }
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, (event) => last.delete(event.pointerId));
}

// --- Asking. An answer that arrives after "Clear" belongs to a picture that is gone.
let question = 0;

function show(...nodes) {
  result.replaceChildren(...nodes);
}

function text(words, className = "") {
  const node = document.createElement("p");
  node.textContent = words;
  node.className = className;
  return node;
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}

function showPrediction({ prediction, certainty }) {
  const found = document.createElement("div");
  const bar = document.createElement("progress");
  const words = text(`${certainty.toFixed(2)} % certain`);
  found.className = "found";
  bar.max = 100;
  bar.value = certainty;
  bar.setAttribute("aria-hidden", "true"); // the words say it
  words.append(bar);
  found.append(text(String(prediction), "digit"), words);
  show(found);
}

async function predict() {
  const asked = ++question;
  predictButton.disabled = true;
  show(text("Looking at it …", "quiet"));
  let answer;
  try {
    const response = await fetch("/api/predict", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ image: paper.toDataURL("image/png") }),
    });
    answer = await response.json();
  } catch {
    answer = { error: "The application is not responding." };
  }
  if (asked !== question) return;
  predictButton.disabled = false;
  if ("prediction" in answer) showPrediction(answer);
  else show(text(sentence(answer.error ?? "the answer is unreadable."), "error"));
}

function clear() {
  question += 1;
  predictButton.disabled = false;
  pen.clearRect(0, 0, paper.width, paper.height);
  show(text("The answer appears here.", "quiet"));
}

predictButton.addEventListener("click", predict);
document.getElementById("clear").addEventListener("click", clear);

// --- The foot, only while somebody looks.
async function look() {
  if (document.hidden) return;
  let words = "does not answer";
  try {
    const { memory, cpu } = await (await fetch("/api/system_info")).json();
    words = `memory ${memory}, CPU ${cpu}`.replaceAll("%", "\u00a0%");
  } catch {
    // said by the words
  }
  document.getElementById("machine").textContent = words;
}
look();
setInterval(look, 5000);
document.addEventListener("visibilitychange", look);
