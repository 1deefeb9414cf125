// Adds and removes rows of a flex order, and sends a commit once.
"use strict";

(() => {
  let made = 0;

  function fromTemplate(form, name, number) {
    const text = form.querySelector(`[data-${name}-template]`).innerHTML.replaceAll("NEW", number);
    const holder = document.createElement(name === "step" ? "tbody" : "div");
    holder.innerHTML = text;
    return holder.firstElementChild;
  }

  function addStep(form, pattern) {
    const row = fromTemplate(form, "step", pattern.dataset.pattern);
    pattern.querySelector("[data-steps]").append(row);
    row.querySelector("input").focus();
  }

  function addPattern(form) {
    made += 1;
    const pattern = fromTemplate(form, "pattern", `n${made}`);
    form.querySelector("[data-patterns]").append(pattern);
    addStep(form, pattern);
    pattern.querySelector("[name^='from-']").value = "00:00";
  }

  function onClick(event) {
    const button = event.target.closest("button");
    const form = event.target.closest("[data-order-form]");
    if (!button || !form) return;
    const pattern = button.closest("[data-pattern]");
    if ("addStep" in button.dataset) addStep(form, pattern);
    if ("addPattern" in button.dataset) addPattern(form);
    if ("removeStep" in button.dataset) button.closest("tr").remove();
    if ("removePattern" in button.dataset) pattern.remove();
  }

  function onSubmit(event) {
    const form = event.target.closest("[data-once]");
    if (!form) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of document.querySelectorAll(`[form="${form.id}"]`)) button.setAttribute("aria-disabled", "true");
  }

  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
})();
