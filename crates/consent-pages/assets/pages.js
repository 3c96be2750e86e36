"use strict";
// What makes the pages more pleasant. Each of them works without: nothing here decides anything.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The host application has a header of its own around a page that it embeds.
document.documentElement.classList.toggle("embedded", window.top !== window.self);

// Times, in the reader's own zone and way of writing English.
const language = navigator.languages.find((tag) => /^en\b/.test(tag)) || "en";
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
// A style of date can't be had together with the zone's name.
const zone = new Intl.DateTimeFormat(language, { timeZoneName: "short" });

for (const time of all("time[datetime*='T']")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    const name = zone.formatToParts(at).find((part) => part.type === "timeZoneName");
    time.title = time.textContent.trim();
    time.textContent = `${moment.format(at)} ${name?.value ?? ""}`;
  }
}

// A form is sent once, however often somebody clicks.
const sent = new Set();

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const own = (name) => submitter?.getAttribute(`form${name}`) || form.getAttribute(name);
  const stays = own("method") === "dialog" || own("target") === "_blank";
  if (event.defaultPrevented || stays) {
    return;
  }
  if (sent.has(form)) {
    return event.preventDefault();
  }
  sent.add(form);
  // Not at once: the browser leaves out what a disabled button says.
  setTimeout(() => {
    if (submitter && sent.has(form)) {
      submitter.disabled = true;
      submitter.setAttribute("aria-busy", "true");
    }
  });
});

// A button that can't work yet says why.
all("[data-reason-unless]").forEach((reason, number) => {
  reason.id = reason.id || `reason-${number}`;
});

function explain(form) {
  const open = all("[data-reason-unless]", form).filter((reason) => {
    reason.hidden = form.querySelector(reason.dataset.reasonUnless) !== null;
    return !reason.hidden;
  });
  for (const button of all("[data-needs-reasons]:not([aria-busy])", form)) {
    button.disabled = open.length > 0;
    button.setAttribute("aria-describedby", open.map((reason) => reason.id).join(" "));
  }
}

const explainAll = () => all("form[data-needs]").forEach(explain);
document.addEventListener("input", explainAll);
// The event comes before the form is as it was.
document.addEventListener("reset", () => setTimeout(explainAll));

// Also when the browser brings a page back as it was left.
window.addEventListener("pageshow", () => {
  sent.clear();
  for (const button of all("button[aria-busy]")) {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
  explainAll();
});

// Dialogs. Whoever closes one has not gone on: what opened it is as the server knows it.
function show(dialog, opener) {
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (opener && opener.type === "radio") {
      opener.form.reset();
    }
    opener?.focus();
  }, { once: true });
}

const opened = (opener) => document.getElementById(opener.dataset.opens);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("button[data-opens]");
  if (opener && opened(opener)) {
    show(opened(opener), opener);
  }
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("input[data-opens]:checked") && opened(target)) {
    show(opened(target), target);
  }
});
for (const dialog of all("dialog[open][data-modal]")) {
  show(dialog, document.querySelector(`[data-opens="${dialog.id}"]`));
}

// What others do meanwhile: counts go on while somebody looks at them.
const LIVE_EVERY = 5000;

async function refresh() {
  const answer = document.hidden ? null : await fetch(location.pathname).catch(() => null);
  if (answer && !answer.ok) {
    return;
  }
  if (answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const shown of all("[data-live]")) {
      const now = page.getElementById(shown.id)?.textContent;
      if (now && now !== shown.textContent) {
        shown.textContent = now;
      }
    }
  }
  setTimeout(refresh, LIVE_EVERY);
}
if (all("[data-live]").length > 0) {
  setTimeout(refresh, LIVE_EVERY);
}

// Copying, also where the browser has no clipboard for us.
for (const button of all("button[data-copy]")) {
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  button.after(status);
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    const write = async () => navigator.clipboard.writeText(field.value);
    const copied = await write().then(() => true, () => document.execCommand("copy"));
    status.textContent = copied ? "Copied" : "Selected: copy it by keyboard";
  });
}
