// Shows what flow a typed dose comes to; nobody types a flow, and the server computes it anew.
"use strict";

(() => {
  const DOSE = /^\s*(\d+(?:\.\d+)?)\s*(?:(?:µg|μg|ug|mcg)\s*\/\s*d(?:ay)?)?\s*$/;

  function show() {
    const dose = DOSE.exec(document.querySelector("#dose")?.value ?? "");
    for (const place of document.querySelectorAll("[data-flow]")) {
      const flow = dose ? Number(dose[1]) / Number(place.dataset.ugPerMl) : NaN;
      const told = flow.toLocaleString("en", { maximumFractionDigits: 3, useGrouping: false });
      place.textContent = Number.isFinite(flow) ? `${told} mL/day` : "told at the review";
    }
  }

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("input", show);
})();
