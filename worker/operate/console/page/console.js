import { WORDS } from './words.js';

const EVERY = 2000;
const FROM_THE_PAGE = { 'X-Requested-With': 'ringostat-sync' };
const $ = (id) => document.getElementById(id);
let language = localStorage.getItem('language') || (navigator.language.startsWith('uk') ? 'uk' : 'en');
let word = WORDS[language];
let shownCauses = '';

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'onclick') made.addEventListener('click', value);
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== ''));
  return made;
}

async function call(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: FROM_THE_PAGE, body: JSON.stringify(body) };
  const answer = await fetch(new URL(path, location.origin), options); // an address with a password in it can't be fetched
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error || answer.statusText);
  return found;
}

function ask(question) {
  $('question').textContent = question;
  $('ask').showModal();
  return new Promise((answer) => {
    $('ask').addEventListener('close', () => answer($('ask').returnValue === 'yes'), { once: true });
  });
}

async function act(question, path, body = {}) {
  if (!(await ask(question))) return;
  try {
    await call(path, body);
  } catch (error) {
    alert(error.message);
  }
  shownCauses = '';
  await refresh();
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 100) return `${Math.round(seconds)} ${word.seconds}`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} ${word.minutes}`;
  return `${(seconds / 3600).toFixed(1)} ${word.hours}`;
}

function moment(text) {
  return text ? new Date(text).toLocaleString(language, { dateStyle: 'short', timeStyle: 'medium' }) : '';
}

function spark(values) {
  const most = Math.max(1, ...values);
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  drawing.setAttribute('class', 'spark');
  drawing.setAttribute('viewBox', `0 0 ${values.length * 10} 34`);
  drawing.setAttribute('preserveAspectRatio', 'none');
  values.forEach((value, place) => {
    const height = Math.max(value ? 2 : 0.5, (value / most) * 34);
    const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    Object.entries({ x: place * 10 + 1, y: 34 - height, width: 8, height }).forEach(([key, at]) => bar.setAttribute(key, at));
    drawing.append(bar);
  });
  return drawing;
}

function figure(name, value, kind = '') {
  return element('div', {}, element('dt', {}, name), element('dd', { class: kind }, String(value)));
}

function card(lane) {
  const button = lane.paused
    ? element('button', { type: 'button', class: 'act', onclick: () => act(word.askResume(lane.project), `/api/project/${lane.project}/resume`) }, word.resume)
    : element('button', { type: 'button', onclick: () => act(word.askPause(lane.project), `/api/project/${lane.project}/pause`) }, word.pause);
  const until = lane.paused?.until ? ` ${word.until} ${moment(lane.paused.until)}` : '';
  const drift = lane.drift
    ? `${word.drift} ${moment(lane.drift.at)}: ${['differing', 'never_sent', 'gone'].map((kind) => `${lane.drift[kind]} ${word[kind]}`).join(', ')}${lane.drift.held ? `; ${word.held}` : ''}`
    : null;
  return element('article', { class: 'card' },
    element('header', {}, element('h3', {}, `${word.project} ${lane.project} · ${word[lane.method]}`), button),
    element('dl', {},
      figure(word.pending, lane.pending), figure(word.in_flight, lane.in_flight), figure(word.oldest, duration(lane.oldest_pending_s)),
      figure(word.sent, lane.sent), figure(word.unchanged, lane.unchanged), figure(word.absent, lane.absent),
      figure(word.dead, lane.dead, lane.dead ? 'bad' : ''), figure(`${word.used} ${lane.limit}`, `${Math.round(lane.used * 100)} %`), figure(word.eta, duration(lane.eta_s))),
    spark(lane.last_hour),
    lane.paused ? element('p', { class: 'why bad' }, `${word.paused}${until}: ${lane.paused.reason}. ${lane.why_paused || ''}`) : null,
    lane.throttled_until ? element('p', { class: 'why warn' }, `${word.throttled} ${moment(lane.throttled_until)}`) : null,
    drift ? element('p', { class: 'why' }, drift) : null);
}

function fill(id, heads, rows) {
  const head = element('tr', {}, ...heads.map((name) => element('th', {}, name)));
  const lines = rows.map((cells) => element('tr', {}, ...cells.map((cell) =>
    element('td', { class: typeof cell === 'number' ? 'number' : cell?.kind || '' }, String(cell?.text ?? cell ?? '')))));
  $(id).replaceChildren(head, ...(lines.length ? lines : [element('tr', {}, element('td', { colspan: heads.length }, word.none))]));
}

function showOverview(job) {
  $('lost').hidden = true;
  $('state').textContent = job.problems.length ? word.ill(job.problems.length) : word.well;
  $('state').className = job.problems.length ? 'bad' : '';
  $('problemsBox').hidden = !job.problems.length;
  $('problems').replaceChildren(...job.problems.map((problem) => element('li', {}, problem)));
  $('lanes').replaceChildren(...job.projects.map(card));
  fill('parts', [word.role, word.name, word.version, word.mapping, word.seen], job.parts.map((part) =>
    [part.role, part.name, part.version, part.mapping, { text: duration(part.seen_s), kind: part.seen_s > 30 ? 'bad' : '' }]));
  fill('capture', [word.source, word.table, word.state], job.capture.map((row) =>
    [row.source, row.table, { text: row.state, kind: ['ok', 'polled'].includes(row.state) ? '' : 'bad' }]));
  fill('requests', [word.request, word.time, word.project, '', word.batch, word.entries, word.outcome], job.requests.map((row) =>
    [row.id, moment(row.at), String(row.project), word[row.method], row.batch, row.entries,
      { text: [row.outcome || '…', row.status || ''].join(' '), kind: row.outcome && row.outcome !== 'accepted' ? 'bad' : '' }]));
  if ($('source').options.length !== job.sources.length) {
    $('source').replaceChildren(...job.sources.map((name) => element('option', { value: name }, name)));
  }
}

function cause(group) {
  const shown = element('pre', { hidden: true });
  const show = async () => {
    const one = await call(`/api/dead-letter/${group.ids[0]}`);
    shown.textContent = JSON.stringify(one, null, 2);
    shown.hidden = false;
  };
  return element('article', { class: 'cause' },
    element('div', { class: 'row' },
      element('span', { class: 'count' }, String(group.count)), element('strong', {}, group.reason), element('span', { class: 'words' }, group.cause)),
    element('p', { class: 'do' }, group.fix),
    element('div', { class: 'row' },
      element('button', { type: 'button', class: 'act', onclick: () => act(word.askRequeue(group.count), '/api/dead-letters/requeue', { ids: group.ids }) }, word.requeue),
      element('button', { type: 'button', onclick: () => act(word.askDiscard(group.count), '/api/dead-letters/discard', { ids: group.ids }) }, word.discard),
      element('button', { type: 'button', onclick: show }, word.one)),
    shown);
}

function showCauses(causes) {
  const now = JSON.stringify([language, causes]);
  if (now === shownCauses) return; // what a person has opened stays open
  shownCauses = now;
  $('causes').replaceChildren(...(causes.length ? causes.map(cause) : [element('p', {}, word.none)]));
}

function showContact(story) {
  const lines = [
    `${word.inCrm}: ${story.mapped.state}${story.mapped.detail ? ` – ${story.mapped.detail}` : ''}`,
    story.accepted ? `${word.accepted}: ${moment(story.accepted.at)}, ${story.accepted.same ? word.same : word.notSame}` : null,
    story.letter ? `${word.deadLetters}: ${story.letter.id}, ${story.letter.reason}: ${story.letter.detail}` : null,
  ].filter(Boolean);
  $('contact').replaceChildren(
    element('p', { class: 'verdict' }, story.verdict),
    ...lines.map((line) => element('p', {}, line)),
    story.document ? element('pre', {}, JSON.stringify(story.document, null, 2)) : '');
  $('contact').hidden = false;
}

async function refresh() {
  try {
    showOverview(await call('/api/overview'));
    showCauses((await call('/api/dead-letters')).causes);
  } catch (error) {
    $('lost').textContent = word.lost;
    $('lost').hidden = false;
  }
}

function speak() {
  word = WORDS[language];
  document.documentElement.lang = language;
  document.querySelectorAll('[data-word]').forEach((part) => { part.textContent = word[part.dataset.word]; });
  $('language').textContent = word.language;
  $('key').placeholder = word.key;
  shownCauses = '';
}

$('language').addEventListener('click', () => {
  language = language === 'uk' ? 'en' : 'uk';
  localStorage.setItem('language', language);
  speak();
  refresh();
});
$('lookUp').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    showContact(await call('/api/contact', { source: $('source').value, key: $('key').value }));
  } catch (error) {
    $('contact').replaceChildren(element('p', { class: 'bad' }, error.message));
    $('contact').hidden = false;
  }
});

speak();
await refresh();
setInterval(() => { if (!document.hidden) refresh(); }, EVERY);
