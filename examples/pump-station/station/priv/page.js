'use strict';
const byId = id => document.getElementById(id);
const svgNs = 'http://www.w3.org/2000/svg';
const svg = (name, attributes, text) => {
  const node = document.createElementNS(svgNs, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const element = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const set = (id, text) => { const node = byId(id); if (node.textContent !== text) node.textContent = text; };
const bytes = count => count >= 1 << 20 ? (count / (1 << 20)).toFixed(count < 10 << 20 ? 1 : 0) + ' MiB' : Math.round(count / 1024) + ' KiB';

// What each part is, and what may be done to it.
const parts = {
  sensor: 'driver, C', pump: 'driver and interlock, C', controller: 'Rust', station: 'this page, Elixir', history: 'Elixir',
};
const hows = [['kill', 'Kill'], ['crash', 'Crash'], ['hang', 'Hang'], ['compromise', 'Compromise']];
const verdicts = {run: 'lets it run', low: 'too little water', stale: 'no fresh reading', switch: 'float switch'};
const reasons = {
  none: '–', done: 'ended', error: 'error', assertion: 'assertion', fault_memory: 'touched foreign memory',
  fault_capability: 'used a right it lacks', fault_instruction: 'bad instruction', fault_syscall: 'bad system call',
  hung: 'hung, was ended', killed: 'killed', image: 'bad image', memory: 'out of memory',
};

let quotas = {}, samples = [], lines = [], filter = 'all', lastLine = -1, chosen = null, edges = [];

// --- Plant

const yOf = mm => 220 - mm / 5;

function marks(target) {
  const place = byId('marks');
  place.replaceChildren();
  for (const [mm, kind, text] of [[200, 'limit', '200 dry'], [850, 'limit', '850 relief'], [target, 'aim', target + ' target']]) {
    place.append(svg('line', {class: 'mark ' + kind, x1: 62, x2: 202, y1: yOf(mm), y2: yOf(mm)}));
    place.append(svg('text', {class: 'small', x: 56, y: yOf(mm) + 4, 'text-anchor': 'end'}, text.split(' ')[0]));
    place.append(svg('title', {}, text));
  }
}

function showPlant(state) {
  const {judge, interlock, controller} = state;
  if (controller && controller.target_mm !== marks.shown) { marks.shown = controller.target_mm; marks(controller.target_mm); }
  if (controller && document.activeElement !== byId('target-mm')) {
    byId('target-mm').value = controller.target_mm;
    set('target-out', controller.target_mm + ' mm');
  }
  if (judge) {
    byId('water').setAttribute('y', yOf(judge.level_mm));
    set('basin-text', `The basin: ${judge.level_mm} mm of 1000 mm`);
    set('inflow-text', `in ${judge.inflow_ml_per_s} ml/s`);
    byId('inlet').classList.toggle('flows', judge.inflow_ml_per_s > 0);
    set('relief-text', judge.relief_ml_per_s ? `relief ${judge.relief_ml_per_s} ml/s` : judge.valve_open ? 'relief open' : 'relief shut');
    set('motor-text', judge.motor_percent ? `motor ${judge.motor_percent} %` : 'motor off');
    byId('relief').classList.toggle('flows', judge.relief_ml_per_s > 0);
    byId('outlet').classList.toggle('flows', judge.outflow_ml_per_s > 0);
    document.querySelector('.pump').classList.toggle('runs', judge.motor_percent > 0);
    set('v-level', String(judge.level_mm));
    set('v-motor', String(judge.motor_percent));
    set('v-pressure', (judge.pressure_pa / 1000).toFixed(0));
    set('v-valve', judge.valve_open ? 'open' : 'shut');
    set('v-age', String(judge.reading_age_ms));
  } else {
    for (const id of ['v-level', 'v-motor', 'v-pressure', 'v-valve', 'v-age']) set(id, '–');
  }
  set('v-interlock', interlock ? verdicts[interlock.verdict] : 'away');
}

function showRule(judge) {
  const box = byId('rule');
  if (!judge) {
    box.className = 'rule';
    set('rule-word', 'The judge does not answer');
    set('rule-detail', 'whether the safety rule holds is not known right now');
    return;
  }
  const broken = judge.dry + judge.blind + judge.overflow;
  box.className = 'rule ' + (broken ? 'bad' : 'good');
  set('rule-word', broken ? 'The safety rule was broken' : 'The safety rule holds');
  set('rule-detail', `${judge.steps.toLocaleString('en')} checks from outside, ${broken.toLocaleString('en')} violations`);
  for (const [id, count, text] of [
    ['r-dry', judge.dry, `least water it ran with: ${judge.lowest_running_mm} mm`],
    ['r-blind', judge.blind, `oldest reading it ran with: ${judge.longest_blind_ms} ms`],
    ['r-overflow', judge.overflow, `highest level: ${judge.highest_mm} mm`]]) {
    const item = byId(id);
    item.classList.toggle('broken', count > 0);
    const detail = item.querySelector('em');
    const all = count ? `${count} violations; ${text}` : text;
    if (detail.textContent !== all) detail.textContent = all;
  }
}

function showAlarms(state) {
  const list = [];
  const {judge, interlock, domains} = state;
  if (!judge) list.push(['bad', 'The plant cannot be read']);
  else {
    if (judge.valve_open) list.push(['', judge.relief_ml_per_s ? 'Relief valve open, water runs off' : 'Relief valve open']);
    if (judge.level_mm > 850) list.push(['', 'Level high']);
    if (judge.level_mm < 250) list.push(['', 'Level low']);
  }
  if (!interlock) list.push(['', 'The interlock does not answer']);
  else if (interlock.verdict !== 'run') list.push(['', 'Interlock holds the motor: ' + verdicts[interlock.verdict]]);
  else if (!interlock.leased) list.push(['', 'Nobody controls the pump']);
  if (state.history !== 'up') list.push(['', 'The history is away; samples wait here']);
  for (const one of domains) {
    if (one.state !== 'ready' && one.name !== 'appman') list.push(['', `${one.name} is ${one.state}`]);
  }
  const text = JSON.stringify(list);
  if (showAlarms.shown === text) return;
  showAlarms.shown = text;
  byId('alarms').replaceChildren(...(list.length ? list : [['none', 'none']]).map(([kind, words]) => element('li', kind, words)));
}

// --- Chart

function addSample(time, level, motor) {
  const last = samples[samples.length - 1];
  if (last && time - last[0] < 900) return;
  samples.push([time, level, motor]);
  if (samples.length > 400) samples.shift();
}

function drawChart(now) {
  const span = 300000, chart = byId('chart');
  const x = time => 900 - (now - time) * 900 / span, y = value => 182 - value * 174 / 1000;
  // A gap stays a gap.
  const path = index => samples.filter(one => now - one[0] < span).map((one, i, all) =>
    `${i && one[0] - all[i - 1][0] < 5000 ? 'L' : 'M'}${x(one[0]).toFixed(1)} ${y(index === 2 ? one[2] * 10 : one[1]).toFixed(1)}`).join('');
  const parts = [[0, ''], [200, 'limit'], [500, ''], [1000, 'limit']].map(([mm, kind]) =>
    svg('line', {class: 'axis ' + kind, x1: 0, x2: 900, y1: y(mm), y2: y(mm)}));
  chart.replaceChildren(...parts, svg('path', {class: 'curve motor', d: path(2) || 'M0 0'}), svg('path', {class: 'curve', d: path(1) || 'M0 0'}));
}

async function loadHistory() {
  try {
    const answer = await fetch('/history', {signal: AbortSignal.timeout(kPatienceMs)});
    if (!answer.ok) return;
    const old = (await answer.json()).samples.map(([time, level, motor]) => [time + offset, level, motor]);
    const first = samples.length ? samples[0][0] : Infinity;
    samples = [...old.filter(one => one[0] < first), ...samples].slice(-400);
  } catch { /* the next connection tries again */ }
}

// --- Parts

const rows = {};
let pressed = null;  // whose return is waited for

function makeRow(name) {
  const row = element('tr');
  row.dataset.part = name;
  row.setAttribute('role', 'row');
  const title = element('td', 'name');
  title.append(element('b', '', name), element('span', '', parts[name]));
  const state = element('td', 'state'), restarts = element('td', 'num'), end = element('td', 'end'), memory = element('td', 'memory');
  const text = element('span'), bar = element('span', 'bar'), fill = element('i');
  bar.append(fill);
  memory.append(text, bar);
  const actions = element('td'), buttons = element('div', 'buttons');
  for (const [how, word] of hows) {
    const button = element('button', how === 'compromise' ? 'hostile' : '', word);
    button.type = 'button';
    button.dataset.how = how;
    button.setAttribute('aria-label', `${word} ${name}`);
    button.addEventListener('click', () => act(name, how, word, button));
    buttons.append(button);
  }
  actions.append(buttons);
  row.append(title, state, restarts, end, memory, actions);
  for (const cell of row.children) cell.setAttribute('role', 'cell');
  byId('parts').append(row);
  return rows[name] = {state, restarts, end, text, fill, bar, buttons};
}

function showParts(state) {
  for (const name of Object.keys(parts)) {
    const one = state.domains.find(domain => domain.name === name);
    if (!one) continue;
    const row = rows[name] || makeRow(name);
    row.state.className = 'state ' + one.state;
    row.state.textContent = one.state;
    row.restarts.textContent = one.restarts;
    row.end.textContent = reasons[one.reason] || one.reason;
    row.end.hidden = one.reason === 'none' && matchMedia('(max-width: 760px)').matches;
    const quota = quotas[name], used = name === 'station' ? state.beam : one.used;
    row.text.textContent = (used ? bytes(used) + ' of ' : '') + (quota ? bytes(quota) : '–');
    row.bar.hidden = !used || !quota;
    if (used && quota) row.fill.style.width = Math.min(100, used * 100 / quota) + '%';
    row.buttons.hidden = !state.trials;
    if (pressed && pressed.name === name && one.restarts > pressed.restarts && one.state === 'ready') {
      set('answer', `${pressed.word}: ${name} was back after ${((Date.now() - pressed.at) / 1000).toFixed(1)} s.`);
      pressed = null;
    }
    row.count = one.restarts;
  }
}

async function post(path, body) {
  const answer = await fetch(path, {method: 'POST', headers: {'X-Station': '1'}, body: body || '', signal: AbortSignal.timeout(kPatienceMs)});
  if (!answer.ok) throw new Error((await answer.text()).trim());
}

async function act(name, how, word, button) {
  button.disabled = true;
  pressed = {name, word, restarts: rows[name].count, at: Date.now()};
  try {
    await post(`/part/${name}/${how}`);
    set('answer', `${word}: ${name} has been told.`);
  } catch (error) {
    pressed = null;
    set('answer', `${word} ${name}: ${error.message}`);
  }
  setTimeout(() => { button.disabled = false; }, 1500);
}

// --- Graph

const places = {
  plant: [90, 125], pump: [270, 60], sensor: [270, 195], controller: [445, 195], guard: [520, 126], station: [630, 60], history: [630, 195],
  netrouter: [810, 125], net_virtio: [815, 330],
  appman: [80, 330], directory: [200, 330], log: [320, 330], timer: [440, 330], entropy: [560, 330], uart: [680, 330],
};
// Whom everybody knows.
const common = new Set(['directory', 'log', 'timer', 'entropy']);

function drawGraph(graph) {
  const root = byId('graph');
  quotas = Object.fromEntries(graph.domains.map(one => [one.name, one.quota]));
  root.replaceChildren(
    svg('rect', {class: 'band', x: 8, y: 20, width: 884, height: 234, rx: 10}), svg('text', {class: 'band-text', x: 20, y: 246}, 'of this device'),
    svg('rect', {class: 'band', x: 8, y: 290, width: 884, height: 90, rx: 10}), svg('text', {class: 'band-text', x: 20, y: 372}, 'of the system'));
  const known = graph.edges.filter(edge => places[edge.from] && places[edge.to]);
  const seen = new Map();
  edges = known.map(edge => {
    const key = [edge.from, edge.to].sort().join();
    const nth = seen.get(key) || 0;
    seen.set(key, nth + 1);
    const [ax, ay] = places[edge.from], [bx, by] = places[edge.to];
    const length = Math.hypot(bx - ax, by - ay) || 1, bend = 10 + 13 * nth;
    const cx = (ax + bx) / 2 - (by - ay) * bend / length, cy = (ay + by) / 2 + (bx - ax) * bend / length;
    const quiet = common.has(edge.to) || edge.to === 'uart' || edge.to === 'appman';
    const kind = edge.ring ? 'ring' : edge.net ? 'net' : '';
    const line = svg('path', {class: `edge ${kind} ${quiet ? 'quiet' : ''}`, d: `M${ax} ${ay}Q${cx} ${cy} ${bx} ${by}`});
    line.append(svg('title', {}, `${edge.from} → ${edge.to}: ${edge.port}`));
    root.append(line);
    return {...edge, line};
  });
  for (const one of graph.domains) {
    const place = places[one.name];
    if (!place) continue;
    const node = svg('g', {class: 'node ' + one.kind, tabindex: 0, role: 'button', 'data-domain': one.name, 'aria-label': 'domain ' + one.name});
    node.append(svg('rect', {x: place[0] - 54, y: place[1] - 20, width: 108, height: 42, rx: 8}),
      svg('text', {x: place[0], y: place[1] - 2}, one.name), svg('text', {class: 'small', x: place[0], y: place[1] + 13}, ''));
    const choose = () => chooseDomain(chosen === one.name ? null : one.name);
    node.addEventListener('click', choose);
    node.addEventListener('keydown', event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choose(); } });
    root.append(node);
  }
}

function chooseDomain(name) {
  chosen = name;
  byId('graph').classList.toggle('choosing', name !== null);
  for (const edge of edges) edge.line.classList.toggle('on', edge.from === name || edge.to === name);
  if (name === null) return set('chosen', '');
  const list = (own, other) => [...new Set(edges.filter(edge => edge[own] === name).map(edge => `${edge[other]} (${edge.port})`))].join(', ');
  set('chosen', `${name} may reach: ${list('from', 'to') || 'nobody'}. Who may reach it: ${list('to', 'from') || 'nobody'}.`);
}

function showGraph(domains) {
  for (const one of domains) {
    const node = document.querySelector(`[data-domain="${CSS.escape(one.name)}"]`);
    if (!node) continue;
    // The supervisor is not in its own table; that it answers says that it runs.
    const up = one.state === 'ready' || one.name === 'appman';
    node.classList.toggle('down', !up);
    const before = showGraph.restarts[one.name];
    if (before !== undefined && one.restarts > before) {
      node.classList.add('again');
      setTimeout(() => node.classList.remove('again'), 3000);
    }
    showGraph.restarts[one.name] = one.restarts;
    const text = node.lastChild, words = !up ? one.state : one.restarts ? `${one.restarts} restart${one.restarts > 1 ? 's' : ''}` : bytes(quotas[one.name] || 0);
    if (text.textContent !== words) text.textContent = words;
  }
}
showGraph.restarts = {};

// --- Log

function showLog(added) {
  let changed = false;
  for (const line of added) {
    if (line.sequence <= lastLine) continue;
    lastLine = line.sequence;
    lines.push(line);
    changed = true;
  }
  if (changed) { lines = lines.slice(-400); drawLog(); }
}

const wanted = line => filter === 'all' || (filter === 'trouble' ? line.level <= 2 : line.text.startsWith('hostile'));

function drawLog() {
  const list = byId('log'), atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
  list.replaceChildren(...lines.filter(wanted).map(line => {
    const item = element('li', 'l' + line.level);
    item.append(element('span', '', (line.time / 1000).toFixed(2)), element('span', '', line.domain), element('b', '', line.text));
    return item;
  }));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

for (const button of document.querySelectorAll('.filter')) {
  button.addEventListener('click', () => {
    filter = button.dataset.filter;
    for (const other of document.querySelectorAll('.filter')) other.setAttribute('aria-pressed', String(other === button));
    drawLog();
    byId('log').scrollTop = byId('log').scrollHeight;
  });
}

// --- Together

const targetInput = byId('target-mm');
targetInput.addEventListener('input', () => set('target-out', targetInput.value + ' mm'));
targetInput.addEventListener('change', () => {
  targetInput.blur();
  post('/target', targetInput.value).catch(error => set('answer', 'Target: ' + error.message));
});
byId('target').addEventListener('submit', event => event.preventDefault());

const kPatienceMs = 8000, kStaleMs = 4000, kAgainMs = 1500;
let heard = 0, offset = 0, lastUptime = Infinity;

function show(state) {
  heard = Date.now();
  offset = heard - state.time;
  if (state.uptime < lastUptime) {
    // Another instance of the station, or the first one: its lines of the log are numbered anew.
    lines = [];
    lastLine = -1;
    loadHistory();
  }
  lastUptime = state.uptime;
  showPlant(state);
  showRule(state.judge);
  showAlarms(state);
  showParts(state);
  showGraph(state.domains);
  showLog(state.log);
  if (state.judge) addSample(heard, state.judge.level_mm, state.judge.motor_percent);
  drawChart(heard);
  set('history-state', state.history === 'up' ? 'kept by the history' : 'the history is away');
  const net = state.net ? ` · network ${state.net.state}, ${state.net.denials} packets refused` : '';
  set('foot', `Station up ${state.uptime} s · BEAM ${bytes(state.beam)}${net}`);
}

function live(isOn) {
  byId('live').className = 'live ' + (isOn ? 'on' : 'off');
  set('live', isOn ? 'live' : 'the station is away; trying again');
  if (isOn) showAge(false);
  else if (heard) showAge(true);
}

// What is old does not look as if it were now.
function showAge(isStale) {
  document.body.classList.toggle('stale', isStale);
  byId('stale').hidden = !isStale;
  if (!isStale) return;
  const age = Math.round((Date.now() - heard) / 1000);
  set('stale-age', `${age} s old`);
  byId('rule').className = 'rule';
  set('rule-word', 'Not known right now');
  set('rule-detail', `the judge was last heard ${age} s ago`);
}

// As an event would say it: when all places for events are taken, or the connection does not last.
async function ask() {
  try {
    const answer = await fetch('/state', {signal: AbortSignal.timeout(kPatienceMs)});
    if (!answer.ok) return false;
    show(await answer.json());
    return true;
  } catch {
    return false;
  }
}

function connect() {
  const source = new EventSource('/events');
  let begun = Date.now(), isOpen = false;
  const again = () => {
    clearInterval(watch);
    source.close();
    // Who was being told and no longer is knows nothing of now, until the station answers again.
    if (isOpen) live(false);
    ask().then(live).finally(() => setTimeout(connect, kAgainMs));
  };
  source.addEventListener('message', event => { begun = Date.now(); isOpen = true; show(JSON.parse(event.data)); live(true); });
  // A browser that was refused does not try again by itself.
  source.addEventListener('error', again);
  // Nothing for so long: the connection is dead, whatever it looks like.
  const watch = setInterval(() => {
    if (heard && Date.now() - heard > kStaleMs) live(false);
    if (Date.now() - begun > 2 * kPatienceMs) again();
  }, 1000);
}

async function loadGraph() {
  for (;;) {
    try {
      const answer = await fetch('/graph', {signal: AbortSignal.timeout(kPatienceMs)});
      if (answer.ok) return drawGraph(await answer.json());
    } catch { /* the station is away: it comes back */ }
    await new Promise(done => setTimeout(done, kAgainMs));
  }
}

marks(500);
loadGraph();
connect();
