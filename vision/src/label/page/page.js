// One photo at a time: what the models propose, corrected by a person, is sent back and stands in labels.csv at once.
// Corners are in pixels of the photo everywhere; a canvas has its own view {x, y, scale} onto the photo.
'use strict';

const WORDS = {
  en: {
    title: 'Plates of a site', accept: 'Accept', next: 'Next plate', add: 'Add a plate', remove: 'Not a plate', none: 'No plate in the photo', skip: 'Skip', back: 'Back',
    undo: 'Undo', chars: '京 粤 桂 …', end: 'Finish', kind: 'Vehicle', lines: 'Lines', colour: 'Ground',
    kinds: { truck: 'truck', trailer: 'trailer', car: 'car', bus: 'bus', motorbike: 'motorbike', other: 'other' },
    colours: { white: 'white', yellow: 'yellow', blue: 'blue', green: 'green', red: 'red', black: 'black' },
    plate: (n, all) => `plate ${n} of ${all}`, noPlate: 'no plate proposed: add one, or Enter: none in the photo', sure: (p) => `sure ${p} %`, was: 'labelled before', proposed: 'proposed',
    unreadable: (why) => `cannot be read: ${why}`, saved: (file) => `${file}: written`, skipped: 'skipped: it comes again next time', short: 'at least four characters, please',
    ended: 'Finished. Everything that was accepted is in labels.csv. This page can be closed.', gone: 'the program has ended: start it again and open the address it prints; what was accepted is kept',
    all: (open, bad) => `That was the last photo. ${open ? `${open} skipped: Enter goes through them. ` : ''}${bad ? `${bad} cannot be read. ` : ''}Back goes back; Finish ends the program.`,
    hint: 'Type to correct. Drag the four corners in either picture. Letters in brackets: with Alt, or alone after Esc. Alt+1 to 4 picks a corner (5: all), Alt+arrows move it.',
    drawing: 'draw a box around the plate',
  },
  vi: {
    title: 'Biển số của cửa khẩu', accept: 'Đúng', next: 'Biển tiếp theo', add: 'Thêm biển', remove: 'Không phải biển', none: 'Ảnh không có biển', skip: 'Bỏ qua', back: 'Quay lại',
    undo: 'Hoàn tác', chars: '京 粤 桂 …', end: 'Kết thúc', kind: 'Loại xe', lines: 'Số dòng', colour: 'Màu nền',
    kinds: { truck: 'xe tải', trailer: 'rơ-moóc', car: 'ô tô con', bus: 'xe khách', motorbike: 'xe máy', other: 'khác' },
    colours: { white: 'trắng', yellow: 'vàng', blue: 'xanh dương', green: 'xanh lá', red: 'đỏ', black: 'đen' },
    plate: (n, all) => `biển ${n} trên ${all}`, noPlate: 'không thấy biển: hãy thêm, hoặc Enter: ảnh không có biển', sure: (p) => `chắc ${p} %`, was: 'đã ghi nhãn', proposed: 'đề xuất',
    unreadable: (why) => `không đọc được ảnh: ${why}`, saved: (file) => `${file}: đã ghi`, skipped: 'đã bỏ qua: lần sau sẽ hỏi lại', short: 'cần ít nhất bốn ký tự',
    ended: 'Đã kết thúc. Mọi nhãn đã chấp nhận nằm trong labels.csv. Có thể đóng trang này.', gone: 'chương trình đã dừng: hãy chạy lại và mở địa chỉ nó in ra; nhãn đã chấp nhận vẫn còn',
    all: (open, bad) => `Đó là ảnh cuối. ${open ? `${open} ảnh đã bỏ qua: Enter để xem lại. ` : ''}${bad ? `${bad} ảnh không đọc được. ` : ''}Quay lại để sửa; Kết thúc để dừng chương trình.`,
    hint: 'Gõ để sửa. Kéo bốn góc ở một trong hai ảnh. Phím trong khung: cùng Alt, hoặc một mình sau Esc. Alt+1 đến 4 chọn góc (5: cả biển), Alt+mũi tên dời góc.',
    drawing: 'vẽ khung quanh biển',
  },
};
const language = (navigator.languages ?? [navigator.language]).some((tag) => tag.toLowerCase().startsWith('vi')) ? 'vi' : 'en';
const words = WORDS[language];
const CHARS = '京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼挂学警港澳领使';
const HANDLE_PX = 14;
const MAX_UNDO = 100;

const el = (id) => document.getElementById(id);
const state = { photos: [], at: 0, seen: [], photo: null, picture: null, plates: [], now: 0, accepted: new Set(), undo: [], corner: 4, drag: null, drawing: false, over: false, busy: false, kind: null };
const views = { photo: { x: 0, y: 0, scale: 1 }, close: { x: 0, y: 0, scale: 1 } };

// --- asking the program ---
async function ask(path, body) {
  const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error(words.gone);
  }
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
function say(text, bad = false) {
  el('message').textContent = text;
  el('message').className = bad ? 'bad' : '';
}

// --- which photo ---
async function open(number) {
  state.busy = true;
  state.at = number;
  state.picture = null;
  const photo = await ask(`photo/${number}`);
  state.photo = photo;
  state.plates = photo.plates ?? [];
  state.photos[number].error = photo.error ?? null;
  if (!photo.saved && state.kind !== null) state.plates.filter((plate) => plate.kind === 'truck').forEach((plate) => (plate.kind = state.kind));
  Object.assign(state, { now: 0, accepted: new Set(), undo: [], corner: 4, drag: null, drawing: false });
  if (photo.error) say(words.unreadable(photo.error), true);
  else {
    const picture = new Image();
    picture.src = `picture/${number}`;
    await picture.decode();
    state.picture = picture;
  }
  state.busy = false;
  show();
  if (!el('text').disabled) {
    el('text').focus();
    el('text').select();
  }
}
/** The next photo that nothing was said of; after the last one, the end. */
async function goOn() {
  state.seen.push(state.at);
  const next = state.photos.findIndex((photo, number) => number > state.at && !photo.done && !photo.error);
  if (next >= 0) return open(next);
  state.photo = null;
  state.picture = null;
  state.plates = [];
  const left = state.photos.filter((photo) => !photo.done && !photo.error).length;
  say(words.all(left, state.photos.filter((photo) => photo.error).length));
  show();
}

// --- what is done to a photo ---
function remember() {
  state.undo.push(JSON.stringify([state.plates, state.now, [...state.accepted]]));
  if (state.undo.length > MAX_UNDO) state.undo.shift();
}
const plate = () => state.plates[state.now];
const ACTS = {
  async accept() {
    if (state.photo === null) {
      const first = state.photos.findIndex((photo) => !photo.done && !photo.error);
      if (first >= 0) await open(first);
      return;
    }
    if (state.photo.error) return goOn();
    if (state.plates.length > 0) {
      if ([...plate().text].length < 4) return say(words.short, true);
      state.kind = ['truck', 'car', 'bus'].includes(plate().kind) ? plate().kind : state.kind;
      state.accepted.add(state.now);
      const open = state.plates.findIndex((_, number) => !state.accepted.has(number));
      if (open >= 0) return pick(open);
    }
    await save(state.plates);
  },
  next: () => state.plates.length > 0 && pick((state.now + 1) % state.plates.length),
  add() {
    if (!state.picture) return;
    state.drawing = !state.drawing;
    say(state.drawing ? words.drawing : '');
    show();
  },
  remove() {
    if (!plate()) return;
    remember();
    state.plates.splice(state.now, 1);
    state.accepted = new Set();
    state.now = Math.max(0, Math.min(state.now, state.plates.length - 1));
    show();
  },
  none: () => state.picture && save([]),
  async skip() {
    if (state.photo === null) return;
    say(words.skipped);
    await goOn();
  },
  async back() {
    const last = state.seen.pop();
    if (last !== undefined) {
      say('');
      await open(last);
    }
  },
  undo() {
    const before = state.undo.pop();
    if (before === undefined) return;
    const [plates, now, accepted] = JSON.parse(before);
    Object.assign(state, { plates, now, accepted: new Set(accepted) });
    show();
  },
  chars() {
    el('chars').hidden = !el('chars').hidden;
    draw();
  },
  kind: () => turn('kind'),
  lines: () => turn('lines'),
  colour: () => turn('colour'),
};
async function save(plates) {
  const { at, photo } = state;
  const answer = await ask(`photo/${at}`, { plates });
  state.photos[at].done = true;
  say(words.saved(photo.file));
  el('progress').dataset.done = answer.done;
  await goOn();
}
function pick(number) {
  state.now = number;
  state.corner = 4;
  show();
  el('text').focus();
  el('text').select();
}
function turn(id) {
  const select = el(id);
  if (select.disabled) return;
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event('change'));
}
async function act(name) {
  if (state.busy || state.over) return;
  state.busy = true;
  try {
    await ACTS[name]();
  } catch (error) {
    say(error.message, true);
  }
  state.busy = false;
}

// --- showing ---
function show() {
  const done = state.photos.filter((photo) => photo.done).length;
  el('progress').textContent = `${done}/${state.photos.length}`;
  el('bar-done').style.width = `${(100 * done) / Math.max(1, state.photos.length)}%`;
  el('file').textContent = state.photo?.file ?? '';
  el('saved').textContent = state.photo && !state.photo.error ? (state.photo.saved ? words.was : words.proposed) : '';
  const current = plate();
  const which = current ? words.plate(state.now + 1, state.plates.length) : state.picture ? words.noPlate : '';
  const sure = current && typeof current.sure === 'number' ? words.sure((current.sure * 100).toFixed(0)) : '';
  el('which').replaceChildren(...[which, sure].map((text) => Object.assign(document.createElement('span'), { textContent: text })));
  el('text').value = current?.text ?? '';
  for (const id of ['text', 'kind', 'lines', 'colour']) el(id).disabled = !current;
  if (current) {
    for (const id of ['kind', 'lines', 'colour']) {
      const value = String(current[id]);
      if (![...el(id).options].some((option) => option.value === value)) el(id).add(new Option(value, value));
      el(id).value = value;
    }
  }
  el('photo').classList.toggle('drawing', state.drawing);
  draw();
}
function fit(canvas, region) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const scale = Math.min(canvas.width / region.w, canvas.height / region.h);
  return { scale, x: region.x - (canvas.width / scale - region.w) / 2, y: region.y - (canvas.height / scale - region.h) / 2 };
}
function around(quad) {
  const xs = quad.map(([x]) => x);
  const ys = quad.map(([, y]) => y);
  const [x, y, w, h] = [Math.min(...xs), Math.min(...ys), Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
  const more = 0.3 * Math.max(w, h);
  return { x: x - more, y: y - more, w: w + 2 * more, h: h + 2 * more };
}
function draw() {
  for (const id of ['photo', 'close']) {
    const canvas = el(id);
    const current = plate();
    const whole = { x: 0, y: 0, w: state.photo?.width ?? 1, h: state.photo?.height ?? 1 };
    const region = id === 'close' && current?.corners ? around(current.corners) : whole;
    if (!(state.drag?.id === id)) views[id] = fit(canvas, region);
    const pen = canvas.getContext('2d');
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!state.picture || (id === 'close' && !current?.corners)) continue;
    const view = views[id];
    pen.setTransform(view.scale, 0, 0, view.scale, -view.x * view.scale, -view.y * view.scale);
    pen.drawImage(state.picture, 0, 0, whole.w, whole.h);
    state.plates.forEach((one, number) => outline(pen, view, one.corners, number === state.now));
  }
}
function outline(pen, view, quad, isNow) {
  if (!quad) return;
  const ratio = window.devicePixelRatio || 1;
  pen.strokeStyle = pen.fillStyle = isNow ? '#ffc533' : '#6fc3ff';
  pen.lineWidth = ((isNow ? 2 : 1.5) * ratio) / view.scale;
  pen.setLineDash(isNow ? [] : [6 / view.scale, 4 / view.scale]);
  pen.beginPath();
  quad.forEach(([x, y], k) => (k === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.closePath();
  pen.stroke();
  if (!isNow) return;
  quad.forEach(([x, y], k) => {
    pen.beginPath();
    pen.arc(x, y, ((state.corner === k ? 7 : 4.5) * ratio) / view.scale, 0, 2 * Math.PI);
    // a ring, so that the plate's corner is seen within it
    pen.stroke();
  });
}

// --- pointer and keys ---
function place(id, event) {
  const view = views[id];
  const ratio = window.devicePixelRatio || 1;
  return [view.x + (event.offsetX * ratio) / view.scale, view.y + (event.offsetY * ratio) / view.scale];
}
const within = ([x, y]) => [Math.max(0, Math.min(state.photo.width, x)), Math.max(0, Math.min(state.photo.height, y))];
const box = ([ax, ay], [bx, by]) => {
  const [l, r, t, b] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  return [[l, t], [r, t], [r, b], [l, b]];
};
function press(id, event) {
  if (!state.picture || state.over) return;
  const at = place(id, event);
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  if (state.drawing && id === 'photo') {
    remember();
    const [x, y] = within(at);
    const side = state.photo.width / 16;
    state.plates.push({ text: '', kind: state.kind ?? 'truck', lines: 1, colour: 'white', corners: box([x - side, y - side / 4], [x + side, y + side / 4]).map(within), train_ok: true });
    Object.assign(state, { now: state.plates.length - 1, corner: 4, drawing: false, drag: { id, from: [x, y], isNew: true } });
    return show();
  }
  const near = (((window.devicePixelRatio || 1) * HANDLE_PX) / views[id].scale) ** 2;
  const distances = (plate()?.corners ?? []).map(([x, y]) => (x - at[0]) ** 2 + (y - at[1]) ** 2);
  const corner = distances.indexOf(Math.min(...distances));
  if (corner >= 0 && distances[corner] <= near) {
    remember();
    state.corner = corner;
    state.drag = { id, corner };
    return draw();
  }
  const other = state.plates.findIndex((one) => one.corners && inside(one.corners, at));
  if (other >= 0 && other !== state.now) pick(other);
}
function inside(quad, [x, y]) {
  return quad.every(([ax, ay], k) => {
    const [bx, by] = quad[(k + 1) % 4];
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0;
  });
}
function move(id, event) {
  const { drag } = state;
  if (drag?.id !== id) return;
  const at = within(place(id, event));
  if (!drag.isNew) plate().corners[drag.corner] = at;
  else if (Math.abs(at[0] - drag.from[0]) * views[id].scale > 12) plate().corners = box(drag.from, at);
  draw();
}
function release(id) {
  if (state.drag?.id !== id) return;
  if (state.drag.isNew) say('');
  state.drag = null;
  show();
  el('text').focus();
}
for (const id of ['photo', 'close']) {
  el(id).addEventListener('pointerdown', (event) => press(id, event));
  el(id).addEventListener('pointermove', (event) => move(id, event));
  for (const end of ['pointerup', 'pointercancel']) el(id).addEventListener(end, () => release(id));
}
function nudge(key, far) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!step || !plate()?.corners) return false;
  remember();
  plate().corners = plate().corners.map((corner, k) => (state.corner === 4 || state.corner === k ? within(corner.map((value, axis) => value + step[axis] * (far ? 10 : 1))) : corner));
  draw();
  return true;
}
const KEYS = { KeyN: 'next', KeyA: 'add', KeyD: 'remove', KeyX: 'none', KeyS: 'skip', KeyB: 'back', KeyU: 'undo', KeyP: 'chars', KeyK: 'kind', KeyL: 'lines', KeyC: 'colour' };
document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey) return;
  const typing = document.activeElement === el('text') || document.activeElement?.tagName === 'SELECT';
  const free = event.altKey || !typing;
  if (event.key === 'Enter' && document.activeElement?.tagName !== 'BUTTON') act('accept');
  else if (event.key === 'Escape') {
    document.activeElement?.blur();
    if (state.drawing) act('add');
  } else if (free && KEYS[event.code]) act(KEYS[event.code]);
  else if (free && /^Digit[1-5]$/.test(event.code)) {
    state.corner = Number(event.code.slice(5)) - 1;
    draw();
  } else if (!(free && nudge(event.key, event.shiftKey))) return;
  event.preventDefault();
});

// --- fields ---
function clean(text) {
  return [...text.toUpperCase().replaceAll('Đ', 'D')].filter((symbol) => /[0-9A-Z]/.test(symbol) || CHARS.includes(symbol)).join('');
}
function take(event) {
  if (event.isComposing || !plate()) return;
  const text = clean(el('text').value);
  if (text === plate().text) return;
  remember();
  plate().text = text;
  state.accepted.delete(state.now);
}
el('text').addEventListener('input', take);
el('text').addEventListener('compositionend', () => take({}));
el('text').addEventListener('blur', () => (el('text').value = plate()?.text ?? ''));
for (const id of ['kind', 'lines', 'colour']) {
  el(id).addEventListener('change', () => {
    if (!plate()) return;
    remember();
    plate()[id] = id === 'lines' ? Number(el(id).value) : el(id).value;
  });
}

async function end() {
  try {
    await ask('end', {});
    state.over = true;
    state.photo = state.picture = null;
    state.plates = [];
    show();
    say(words.ended);
    document.querySelectorAll('button').forEach((button) => (button.disabled = true));
  } catch (error) {
    say(error.message, true);
  }
}
function button(name, key, main) {
  const made = document.createElement('button');
  made.type = 'button';
  made.tabIndex = -1;
  made.dataset.name = name;
  made.append(words[name], Object.assign(document.createElement('kbd'), { textContent: key }));
  if (main) made.className = 'main';
  made.addEventListener('click', () => act(name));
  return made;
}
async function begin() {
  document.documentElement.lang = language;
  document.title = words.title;
  el('end').textContent = words.end;
  el('end').addEventListener('click', end);
  el('hint').textContent = words.hint;
  for (const id of ['kind', 'lines', 'colour']) el(`${id}-word`).textContent = words[id];
  el('text').setAttribute('aria-label', words.plate(1, 1));
  el('acts').append(button('accept', 'Enter', true), ...Object.entries({ next: 'N', add: 'A', remove: 'D', none: 'X', skip: 'S', back: 'B', undo: 'U', chars: 'P' }).map(([name, key]) => button(name, key)));
  for (const symbol of CHARS) {
    const made = Object.assign(document.createElement('button'), { type: 'button', textContent: symbol, tabIndex: -1 });
    made.addEventListener('click', () => {
      const field = el('text');
      field.setRangeText(symbol, field.selectionStart, field.selectionEnd, 'end');
      field.dispatchEvent(new Event('input'));
      field.focus();
    });
    el('chars').append(made);
  }
  try {
    const list = await ask('photos');
    state.photos = list.photos;
    el('kind').append(...list.kinds.map((kind) => new Option(words.kinds[kind] ?? kind, kind)));
    el('lines').append(new Option('1', '1'), new Option('2', '2'));
    el('colour').append(...list.colours.map((colour) => new Option(words.colours[colour] ?? colour, colour)));
    state.at = -1;
    await goOn();
    state.seen = [];
  } catch (error) {
    say(error.message, true);
  }
}
window.addEventListener('resize', draw);
begin();
