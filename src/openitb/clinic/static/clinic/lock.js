// Covers the page after some minutes without a hand on it, in every tab; what was typed stays underneath.
"use strict";

(() => {
  const dialog = document.querySelector("[data-lock]");
  if (!dialog) return;

  const MS_PER_S = 1000;
  const limit = Number(dialog.dataset.idleSeconds) * MS_PER_S;
  const beat = Math.min(limit / 4, 60 * MS_PER_S);
  const form = dialog.querySelector("form");
  const problem = dialog.querySelector("[data-problem]");
  const ACTIVE = "itb-active";
  const COVERED = "itb-covered";
  let told = Date.now();

  function post(address, body) {
    return fetch(address, {
      method: "POST",
      headers: { "X-Lock": "1", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body,
    });
  }

  function idle() {
    return Date.now() - Number(localStorage.getItem(ACTIVE)) > limit;
  }

  function cover() {
    if (dialog.open) return;
    document.body.classList.add("is-covered");
    problem.textContent = "";
    dialog.showModal();
  }

  function uncover() {
    document.body.classList.remove("is-covered");
    form.reset();
    dialog.close();
  }

  function lock() {
    cover();
    localStorage.setItem(COVERED, "yes");
    post(dialog.dataset.lockUrl).catch(() => {}); // without a connection the next request finds it idle
  }

  function onHand(event) {
    if (dialog.open) return;
    if (idle()) {
      event.preventDefault();
      return lock();
    }
    const now = Date.now();
    localStorage.setItem(ACTIVE, now);
    if (now - told < beat) return;
    told = now;
    post(dialog.dataset.aliveUrl).catch(() => {});
  }

  async function onUnlock(event) {
    event.preventDefault();
    const answer = await post(form.action, new FormData(form)).catch(() => null);
    if (answer?.status === 204) {
      localStorage.setItem(ACTIVE, Date.now());
      localStorage.removeItem(COVERED);
      return uncover();
    }
    if (answer?.status === 403) problem.textContent = await answer.text();
    else if (answer) location.reload();
    else problem.textContent = "The clinic could not be reached. Try again.";
  }

  function onStorage(event) {
    if (event.key !== COVERED) return;
    if (event.newValue) cover();
    else if (dialog.open) uncover();
  }

  localStorage.setItem(ACTIVE, Date.now());
  localStorage.removeItem(COVERED);
  for (const name of ["pointerdown", "keydown", "input", "wheel"]) {
    document.addEventListener(name, onHand, { capture: true, passive: false });
  }
  form.addEventListener("submit", onUnlock);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => document.body.classList.contains("is-covered") && dialog.showModal());
  document.addEventListener("itb:locked", cover);
  window.addEventListener("storage", onStorage);
  setInterval(() => !dialog.open && idle() && lock(), Math.min(limit / 10, 5 * MS_PER_S));
})();
