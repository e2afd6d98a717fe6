// Plays the lane: polls GET /state five times a second, acts by POST. No part of it comes from elsewhere.
"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
let paused = false;
let knobs = [];
let misses = 0;

async function call(method, path, body) {
  const text = body === undefined ? "{}" : JSON.stringify(body);
  const init = method === "GET" ? {} : { method, headers: { "content-type": "application/json" }, body: text };
  const answer = await fetch(path, init);
  const value = await answer.json();
  $("refused").textContent = answer.ok ? "" : value.error;
  return value;
}

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawLane(state) {
  const g = state.lane, on = state.signals, parts = [];
  const rect = (x, y, width, height, fill, extra = {}) => parts.push(node("rect", { x, y, width, height, fill, ...extra }));
  const label = (x, y, text, fill = "#8593a3") => parts.push(node("text", { x, y, fill, "font-size": 1.15, "text-anchor": "middle", "font-family": "system-ui" }, text));
  rect(-42, -3.2, 104, 6.4, "#2b3138");
  for (const y of [-3.2, 3.08]) rect(-42, y, 104, 0.12, "#6d7780");
  rect(g.platform_m[0], -2.4, g.platform_m[1] - g.platform_m[0], 4.8, "#363f48", { stroke: "#59646f", "stroke-width": 0.12 });
  label((g.platform_m[0] + g.platform_m[1]) / 2, 5, `${state.scale.overload ? "overload" : state.scale.kg + " kg"}${state.scale.motion ? " ~" : ""}`, "#dfe6ee");
  rect(g.stop_line_m, -3.1, 0.25, 6.2, "#e8ecef");
  const coil = (name, place, title) => {
    const lit = on[name];
    rect(place[0], -1.6, place[1] - place[0], 3.2, lit ? "#ffb64855" : "none", { stroke: lit ? "#ffb648" : "#77828d", "stroke-width": 0.14, rx: 0.3 });
    label((place[0] + place[1]) / 2, -4, title, lit ? "#ffb648" : "#8593a3");
  };
  coil("approach_loop", g.approach_loop_m, "approach");
  coil("boom_loop", g.boom_loop_m, "boom loop");
  coil("exit_loop", g.exit_loop_m, "exit");
  const beam = (name, x) => parts.push(node("line", { x1: x, x2: x, y1: -3.4, y2: 3.4, stroke: on[name] ? "#ffb648" : "#b0434a", "stroke-width": 0.12, "stroke-dasharray": on[name] ? "none" : "0.4 0.3" }));
  beam("platform_rear", g.platform_m[0]);
  beam("platform_front", g.platform_m[1]);
  beam("photocell", g.boom_m);
  for (const vehicle of state.vehicles) {
    vehicle.bodies_m.forEach(([low, high], index) => {
      const fill = vehicle.struck ? "#c23a31" : index === 0 ? "#3c78b8" : "#5a6c80";
      rect(low, -1.25, high - low, 2.5, fill, { rx: 0.35, stroke: "#0c0f12", "stroke-width": 0.1 });
    });
    const forward = vehicle.front_m > vehicle.tail_m;
    rect(forward ? vehicle.front_m - 0.9 : vehicle.front_m + 0.3, -1, 0.6, 2, "#b9d8f5", { rx: 0.2 });
    label((vehicle.front_m + vehicle.tail_m) / 2, 0.4, vehicle.plate, "#fff");
  }
  // The arm turns about its post; seen from above a raised arm is short.
  const reach = 6.6 * Math.cos(state.boom.angle_deg * Math.PI / 180);
  rect(g.boom_m - 0.45, 3.3, 0.9, 0.9, "#9aa5b1");
  const arm = { x1: g.boom_m, x2: g.boom_m, y1: 3.4, y2: 3.4 - Math.max(reach, 0.5) };
  parts.push(node("line", { ...arm, stroke: "#e9edf0", "stroke-width": 0.42 }));
  parts.push(node("line", { ...arm, stroke: "#d8352b", "stroke-width": 0.42, "stroke-dasharray": "0.7 0.7" }));
  const lamp = (y, lit, colour) => parts.push(node("circle", { cx: g.stop_line_m + 1.4, cy: y, r: 0.55, fill: lit ? colour : "#242a31", stroke: "#59646f", "stroke-width": 0.1 }));
  lamp(4.3, state.outputs.light_red, "#ff5044");
  lamp(5.6, state.outputs.light_green, "#4fd08a");
  label(g.boom_m, 5.6, `${Math.round(state.boom.angle_deg)}°`, "#dfe6ee");
  $("lane").replaceChildren(...parts);
}

function button(text, act, className = "") {
  const made = document.createElement("button");
  made.textContent = text;
  made.className = className;
  made.onclick = act;
  return made;
}

let shownVehicles = "";
function listVehicles(state) {
  const key = JSON.stringify(state.vehicles.map((v) => [v.id, v.order]));
  if (key === shownVehicles) return;
  shownVehicles = key;
  $("vehicles").replaceChildren(...state.vehicles.map((vehicle) => {
    const row = document.createElement("div");
    row.className = "vehicle";
    const name = document.createElement("span");
    name.textContent = `${vehicle.id}  ${vehicle.plate || "no plate"}${vehicle.trailer_plate ? " + " + vehicle.trailer_plate : ""}  ${vehicle.gross_kg} kg`;
    row.append(name, ...["go", "stop", "reverse"].map((order) => button(order, () => call("POST", `vehicle/${vehicle.id}/behaviour`, { order }), vehicle.order === order ? "on" : "")));
    row.append(button("lift out", () => call("DELETE", `vehicle/${vehicle.id}`)));
    return row;
  }));
}

function listLamps(state) {
  const all = [...Object.entries(state.signals), ...Object.entries(state.outputs).map(([name, on]) => ["→ " + name, on])];
  $("lamps").replaceChildren(...all.map(([name, on]) => {
    const lamp = document.createElement("div");
    lamp.className = on ? "lamp on" : "lamp";
    lamp.append(document.createElement("i"), name.replaceAll("_", " "));
    lamp.title = on ? "on" : "off";
    return lamp;
  }));
}

function listKnobs() {
  const wanted = $("filter").value.trim().toLowerCase();
  $("knobs").replaceChildren(...knobs.filter((knob) => (knob.name + " " + knob.what).toLowerCase().includes(wanted)).map((knob) => {
    const row = document.createElement("div");
    row.className = "knob";
    const turn = button(knob.name, () => {
      const on = !turn.classList.contains("on");
      call("POST", `fault/${knob.name}`, on && value ? { on, value: Number(value.value) } : { on });
    });
    turn.title = knob.what;
    turn.dataset.knob = knob.name;
    row.append(turn);
    const value = knob.min === 0 && knob.max === 1 && knob.default === 1 ? null : document.createElement("input");
    if (value) {
      Object.assign(value, { type: "number", min: knob.min, max: knob.max, step: "any", value: knob.default, title: knob.what });
      row.append(value);
    }
    return row;
  }));
}

function clock(ms) {
  return (ms / 1000).toFixed(1) + " s";
}

async function poll() {
  try {
    const state = await call("GET", "state");
    misses = 0;
    paused = state.paused;
    $("pause").textContent = paused ? "Go on" : "Pause";
    $("step").disabled = !paused;
    $("time").textContent = clock(state.now_ms) + (paused ? " ‖" : "");
    $("weight").textContent = state.scale.overload ? "overload" : `${state.scale.kg} kg${state.scale.motion ? " moving" : ""}`;
    $("boom").textContent = `${Math.round(state.boom.angle_deg)}° ${state.boom.motion}`;
    drawLane(state);
    listVehicles(state);
    listLamps(state);
    $("active").textContent = Object.keys(state.faults).join("  ");
    for (const turn of document.querySelectorAll("[data-knob]")) turn.classList.toggle("on", turn.dataset.knob in state.faults);
    const writes = await call("GET", "modbus-writes?last=60");
    $("writes").textContent = writes.slice(-60).reverse().map((w) => `${clock(w.at_ms)}  m${w.module} fc${w.function} ${w.address} = ${w.values.join(",")}${w.refused ? " refused " + w.refused : ""}`).join("\n");
    const events = await call("GET", `events?since_ms=${Math.max(0, state.now_ms - 600000)}`);
    $("events").textContent = events.slice(-60).reverse().map((e) => `${clock(e.at_ms)}  ${e.event}${e.vehicle ? " " + e.vehicle : ""}`).join("\n");
  } catch {
    misses += 1;
  }
  document.body.classList.toggle("lost", misses > 3);
  setTimeout(poll, 200);
}

$("send").onsubmit = (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const spec = { plate: form.get("plate"), gross_kg: Number(form.get("gross_kg")), plate_colour: form.get("plate_colour"), behaviour: form.get("behaviour"), high_bed: form.has("high_bed"), drawbar: form.has("drawbar") };
  if (form.get("trailer_plate")) spec.trailer_plate = form.get("trailer_plate");
  call("POST", "vehicle", spec);
};
$("pause").onclick = () => call("POST", paused ? "resume" : "pause");
$("step").onclick = () => call("POST", "step", { ms: 100 });
$("reset").onclick = () => call("POST", "reset");
$("clear").onclick = () => document.querySelectorAll("[data-knob].on").forEach((turn) => call("POST", `fault/${turn.dataset.knob}`, { on: false }));
$("filter").oninput = listKnobs;
call("GET", "knobs").then((all) => { knobs = all; listKnobs(); });
poll();
