"""What a browser is given: a page, its style, its script. Records are set as text, never as markup."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Pipeline Monitor</title>
<link rel="stylesheet" href="/screen.css">
</head>
<body>
<div id="screen" tabindex="0" aria-label="The screen of the run"></div>
<div id="status" role="status">Connecting.</div>
<script src="/screen.js"></script>
</body>
</html>
"""

STYLE = """
html, body { margin: 0; height: 100%; background: #000; color: #ccc; overflow: hidden; }
#screen, #status { font: 14px/16px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
#screen { outline: none; }
.line { position: relative; height: 16px; white-space: pre; }
.line span { position: absolute; top: 0; height: 16px; }
#status { position: fixed; right: 0; bottom: 0; padding: 2px 8px; background: #333; color: #fff; }
#status:empty { display: none; }
"""

SCRIPT = r"""
"use strict";
const token = new URLSearchParams(location.search).get("token") || "";
const screen_ = document.getElementById("screen");
const status_ = document.getElementById("status");
const headers = { Authorization: "Bearer " + token };
const LINE = 16;
let viewer = null;
let sending = Promise.resolve();

function columnWidth() {
  const probe = document.createElement("span");
  probe.textContent = "0".repeat(100);
  probe.style.position = "absolute";
  screen_.append(probe);
  const width = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return width || 8;
}

function size() {
  return [Math.floor(innerWidth / columnWidth()), Math.floor(innerHeight / LINE)];
}

function draw(frame) {
  if (frame.size) {
    const rows = frame.size[1];
    while (screen_.children.length > rows) screen_.lastChild.remove();
    while (screen_.children.length < rows) {
      const line = document.createElement("div");
      line.className = "line";
      screen_.append(line);
    }
  }
  for (const [row, runs] of Object.entries(frame.lines || {})) {
    const line = screen_.children[row];
    if (!line) continue;
    line.replaceChildren(...runs.map(([column, text, css]) => {
      const span = document.createElement("span");
      span.style.cssText = css;
      span.style.left = column + "ch";
      span.textContent = text;
      return span;
    }));
  }
}

async function follow() {
  const [columns, rows] = size();
  const answer = await fetch(`/frames?columns=${columns}&rows=${rows}`, { headers, cache: "no-store" });
  if (!answer.ok) return (await answer.text()) || "refused";
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const frame = JSON.parse(line);
      if (frame.viewer) viewer = frame.viewer;
      if (frame.over) return "This screen was closed; reload the page to open it again.";
      status_.textContent = "";
      draw(frame);
    }
  }
}

async function main() {
  for (;;) {
    let told = null;
    try { told = await follow(); } catch { /* told below */ }
    viewer = null;
    if (told) { status_.textContent = told; return; }
    status_.textContent = "Connection lost; trying again.";
    await new Promise(done => setTimeout(done, 1000));
  }
}

function send(command) {
  const to = viewer;
  if (!to) return;
  const body = JSON.stringify(command);
  const ask = { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body };
  sending = sending.then(() => fetch("/keys?viewer=" + to, ask)).catch(() => {});
}

const NAMES = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Enter: "enter",
  Escape: "escape", Tab: "tab", Backspace: "backspace", Delete: "delete", Home: "home", End: "end",
  PageUp: "pageup", PageDown: "pagedown", " ": "space",
};

function nameOf(event) {
  if (event.metaKey || event.altKey) return null;
  if (/^F\d+$/.test(event.key)) return event.key.toLowerCase();
  let name = NAMES[event.key];
  if (event.ctrlKey) {
    // What the browser needs itself stays its own.
    name = name || (/^[a-z]$/.test(event.key) && !"crwtnl".includes(event.key) ? event.key : null);
    return name && "ctrl+" + name;
  }
  if (name) return event.shiftKey && name !== "space" ? "shift+" + name : name;
  return event.key.length === 1 ? event.key : null;
}

addEventListener("keydown", event => {
  const key = nameOf(event);
  if (!key || event.key === "F5" || event.key === "F12") return;
  event.preventDefault();
  send({ key });
});

function place(event) {
  return [Math.floor(event.clientX / columnWidth()), Math.floor(event.clientY / LINE)];
}

screen_.addEventListener("click", event => {
  if (!String(getSelection())) send({ click: place(event) });
});
screen_.addEventListener("wheel", event => {
  send({ scroll: [...place(event), event.deltaY > 0 ? 1 : -1] });
}, { passive: true });

let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => send({ size: size() }), 150);
});

main();
"""

FILES = {
    "/": ("text/html; charset=utf-8", PAGE.encode()),
    "/screen.css": ("text/css; charset=utf-8", STYLE.encode()),
    "/screen.js": ("text/javascript; charset=utf-8", SCRIPT.encode()),
}
"""By path: the kind and the content."""
