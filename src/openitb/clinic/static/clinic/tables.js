// Writes every point of a predicted chart as tables, when they are opened: the figures are in the page.
"use strict";

(() => {
  const HEADS = ["Middle", "Low", "High"];
  const twoDigits = (number) => String(number).padStart(2, "0");

  function made(name, text, attributes = {}) {
    const element = document.createElement(name);
    element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  function row(cells) {
    const line = document.createElement("tr");
    line.append(...cells);
    return line;
  }

  function instant(ms) {
    const at = new Date(ms);
    const day = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()].map(twoDigits).join("-");
    return `${day} ${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}`;
  }

  function headOf(panel) {
    const columns = panel.series.flatMap(() => HEADS.map((text) => made("th", text, { scope: "col", class: "right" })));
    const lines = [row([made("th", "Time", { scope: "col" }), ...columns])];
    if (panel.series.length > 1) {
      lines.unshift(row([document.createElement("td"), ...panel.series.map((one) => made("th", one.name, { scope: "colgroup", colspan: 3 }))]));
    }
    const head = document.createElement("thead");
    head.append(...lines);
    return head;
  }

  function bodyOf(panel) {
    const body = document.createElement("tbody");
    panel.series[0].points.forEach(([at], index) => {
      const values = panel.series.flatMap((one) => one.points[index].slice(1));
      const cells = values.map((value) => made("td", value.toFixed(2), { class: "right number" }));
      body.append(row([made("th", instant(at), { scope: "row", class: "number" }), ...cells]));
    });
    return body;
  }

  function tableOf(panel) {
    const table = made("table", "", { class: "cds--data-table" });
    table.append(headOf(panel), bodyOf(panel));
    return [made("h3", panel.unit ? `${panel.title} (${panel.unit})` : panel.title), table];
  }

  function fill(details) {
    const region = details.querySelector("[role='region']");
    if (!details.open || region.childElementCount) return;
    const data = JSON.parse(document.getElementById(details.dataset.tablesOf).textContent);
    region.append(...data.panels.flatMap(tableOf));
  }

  const onToggle = ({ target }) => {
    if (target.matches("[data-tables-of]")) fill(target);
  };
  document.addEventListener("toggle", onToggle, true);
})();
