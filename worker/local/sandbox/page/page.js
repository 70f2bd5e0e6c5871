// Asks the sandbox every second what the book holds, and changes only what has changed on the page.
// Everything that comes from outside is set as text, never as markup.

const EVERY_MS = 1000;
const FLASH_MS = 2600;
const MOST_DIRECTIONS = 4;
const MOST_ORGANIZATIONS = 3;
const LABELS = { contact: "Контакт", lead: "Лід", deal: "Угода" };

const by = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("uk");
const plural = new Intl.PluralRules("uk");
const clock = new Intl.DateTimeFormat("uk", { dateStyle: "short", timeStyle: "medium" });

const rows = new Map(); // the book's number of a contact -> its row
let live = true;
let asked = null; // the search that the page shows
let version = ""; // the state of the book that the page shows
let asking = null;
let timer = 0;

function count(value, one, few, many) {
  const words = { one, few, many, other: few };
  return `${number.format(value)} ${words[plural.select(value)]}`;
}

function ago(seconds) {
  if (seconds < 2) return "щойно";
  if (seconds < 60) return `${Math.floor(seconds)} с тому`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} хв тому`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} год тому`;
  return `${Math.floor(seconds / 86400)} д тому`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0].toLocaleUpperCase("uk")).join("") || "?";
}

function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

// What the column cuts off is told where the pointer rests.
function tell(element, text) {
  element.textContent = text;
  element.title = text;
}

function item(icon, text, remark) {
  const made = by("item").content.firstElementChild.cloneNode(true);
  if (icon) made.querySelector("use").setAttribute("href", `#${icon}`);
  tell(made.querySelector(".value"), text);
  if (remark) tell(made.querySelector("small"), remark);
  return made;
}

function items(list, most, make) {
  const made = list.slice(0, most).map(make);
  if (list.length > most) made.push(item("", `і ще ${number.format(list.length - most)}`));
  return made;
}

function button({ kind, url }) {
  const made = document.createElement(url ? "a" : "span");
  made.textContent = LABELS[kind];
  if (url) Object.assign(made, { href: url, target: "_blank", rel: "noopener noreferrer" });
  else made.title = "Посилання немає";
  return made;
}

function fill(row, contact) {
  const one = (name) => row.querySelector(name);
  one(".name").textContent = contact.name;
  one(".face").textContent = initials(contact.name);
  one(".face").style.setProperty("--hue", hue(contact.name));
  one(".from").textContent = [contact.origin, contact.responsible && `відповідальний ${contact.responsible}`]
    .filter(Boolean).join(" · ");
  one(".ids").textContent = [
    contact.externalId !== null && `контакт ${contact.externalId}`,
    contact.leadId !== null && `лід ${contact.leadId}`,
    by("project").hidden ? false : `проєкт ${contact.project}`,
  ].filter(Boolean).join(" · ");
  one(".directions").replaceChildren(
    ...items(contact.directions, MOST_DIRECTIONS, ({ type, value, name }) => item(type, value, name)));
  one(".organizations").replaceChildren(
    ...items(contact.organizations, MOST_ORGANIZATIONS, (name) => item("company", name)));
  one(".links").replaceChildren(...contact.links.map(button));
  one("time").dateTime = contact.receivedAt;
  one("time").title = clock.format(new Date(contact.receivedAt));
  row.seen = `${contact.revision} ${contact.organizations.join("\n")}`;
  row.receivedAt = Date.parse(contact.receivedAt);
}

function newRow(contact) {
  const row = by("row").content.firstElementChild.cloneNode(true);
  row.querySelector(".name").addEventListener("click", () => showDetails(contact.number));
  rows.set(contact.number, row);
  return row;
}

function flash(row) {
  row.animate({ backgroundColor: ["var(--flash)", "transparent"] }, { duration: FLASH_MS, easing: "ease-out" });
}

function arrange(contacts, quietly) {
  const book = by("book");
  const shown = new Set(contacts.map((contact) => contact.number));
  for (const [key, row] of rows) {
    if (!shown.has(key)) { row.remove(); rows.delete(key); }
  }
  let place = book.firstElementChild;
  for (const contact of contacts) {
    const row = rows.get(contact.number) ?? newRow(contact);
    const changed = row.seen !== `${contact.revision} ${contact.organizations.join("\n")}`;
    if (changed) fill(row, contact);
    if (row === place) place = place.nextElementSibling;
    else book.insertBefore(row, place);
    if (changed && !quietly) flash(row);
  }
}

function showTimes(now) {
  for (const row of rows.values()) put(row.querySelector("time"), ago((now - row.receivedAt) / 1000));
}

function showMinute(minute) {
  const chart = by("minute");
  while (chart.childElementCount < minute.length * 2) {
    chart.append(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
  }
  const most = Math.max(4, ...minute.map(([requests]) => requests));
  minute.forEach(([requests, errors], at) => {
    const tall = requests ? Math.max(2, (requests / most) * 34) : 1.2;
    const wrong = requests ? Math.min(tall, (errors / requests) * tall) : 0;
    bar(chart.children[at * 2], at, 34 - tall, tall, requests ? "fine" : "still");
    bar(chart.children[at * 2 + 1], at, 34 - wrong, wrong, "wrong");
  });
}

function bar(rect, at, y, height, kind) {
  const values = { x: at * 4 + 0.6, width: 2.8, y, height, rx: 0.8, class: kind };
  for (const [name, value] of Object.entries(values)) rect.setAttribute(name, value);
}

function showFigures({ contacts, organizations, requests, entries, errors, totals, minute }) {
  const shown = { contacts, organizations, requests, entries, errors };
  for (const [id, value] of Object.entries(shown)) put(by(id), number.format(value));
  const all = { allRequests: totals.requests, allEntries: totals.entries, allErrors: totals.errors };
  for (const [id, value] of Object.entries(all)) put(by(id), `усього ${number.format(value)}`);
  by("errorFigure").classList.toggle("some", errors > 0);
  showMinute(minute);
}

function showProjects(projects) {
  const select = by("project");
  if (select.options.length === projects.length + 1) return;
  const chosen = select.value;
  select.replaceChildren(new Option("Усі проєкти", ""), ...projects.map((id) => new Option(`Проєкт ${id}`, id)));
  select.value = projects.includes(Number(chosen)) ? chosen : "";
  select.hidden = projects.length < 2;
}

function showCount(found, shown, searched) {
  const all = count(found, "контакт", "контакти", "контактів");
  if (!found) put(by("count"), "");
  else if (found > shown) put(by("count"), `${all}, тут ${number.format(shown)} найновіших`);
  else put(by("count"), searched ? `Знайдено ${all}` : all);
}

function show(page, search) {
  showFigures(page.figures);
  showProjects(page.projects);
  if (page.contacts) {
    const searched = Boolean(by("query").value.trim());
    arrange(page.contacts, asked !== search);
    showCount(page.found, page.contacts.length, searched);
    const filtered = searched || Boolean(by("project").value);
    by("empty").hidden = page.found > 0 || filtered;
    by("nothing").hidden = page.found > 0 || !filtered;
    document.querySelector(".heads").hidden = !page.found;
  }
  showTimes(Date.parse(page.now));
  asked = search;
  version = page.version;
}

async function look() {
  clearTimeout(timer);
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const search = new URLSearchParams({ q: by("query").value, project: by("project").value }).toString();
  const seen = asked === search ? version : "";
  try {
    const answer = await fetch(`_sandbox/view?${search}&version=${seen}`, { signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json(), search);
    by("lost").hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    by("lost").hidden = false;
  }
  if (live && !document.hidden) timer = setTimeout(look, EVERY_MS);
}

async function showDetails(key) {
  const answer = await fetch(`_sandbox/view/${key}`);
  if (!answer.ok) return;
  const { contact, document: posted } = await answer.json();
  const times = count(contact.times, "раз", "рази", "разів");
  by("detailsName").textContent = contact.name;
  by("detailsFacts").textContent = `Проєкт ${contact.project} · прийнято ${times}, востаннє ${clock.format(new Date(contact.receivedAt))}`;
  by("detailsDocument").textContent = JSON.stringify(posted, null, 2);
  by("details").showModal();
}

function setLive(on) {
  live = on;
  by("live").setAttribute("aria-pressed", String(on));
  put(by("live").querySelector("span"), on ? "Наживо" : "Призупинено");
  by("live").title = on ? "Призупинити оновлення" : "Оновлювати далі";
  if (on) look();
  else clearTimeout(timer);
}

by("address").textContent = `POST ${location.origin}/minicrm/contacts/sync`;
by("live").addEventListener("click", () => setLive(!live));
by("search").addEventListener("submit", (event) => event.preventDefault());
by("query").addEventListener("input", look);
by("project").addEventListener("change", look);
by("details").addEventListener("click", (event) => { if (event.target === by("details")) by("details").close(); });
document.addEventListener("visibilitychange", () => { if (live && !document.hidden) look(); });
setLive(true);
