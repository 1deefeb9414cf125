// A table of a sheet grows as its last line is filled; a form that was refused is led to its errors.
"use strict";

function grown(row) {
  const next = row.cloneNode(true);
  const number = row.parentElement.children.length;
  next.querySelectorAll("[name]").forEach((box) => {
    box.name = box.name.replace(/-\d+-/, `-${number}-`);
    box.id = box.name;
    box.value = "";
    box.removeAttribute("aria-invalid");
  });
  next.querySelectorAll(".field-error").forEach((error) => error.remove());
  return next;
}

document.querySelectorAll("[data-rows] tbody").forEach((body) => {
  body.addEventListener("input", () => {
    const last = body.lastElementChild;
    const isFilled = [...last.querySelectorAll("[name]")].some((box) => box.value.trim());
    if (isFilled && body.children.length < 40) body.append(grown(last));
  });
});

document.getElementById("sheet-errors")?.focus();

// Leaving a page with answers typed and not kept is asked about.
const sheet = document.querySelector("[data-sheet]");
if (sheet) {
  let typed = false;
  sheet.addEventListener("input", () => { typed = true; });
  sheet.addEventListener("submit", () => { typed = false; });
  window.addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
}
