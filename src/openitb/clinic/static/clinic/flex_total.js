// Shows what the steps of a flex pattern add up to while they are typed; the server computes it anew.
"use strict";

(() => {
  const HOURS = 24;
  const RATE = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:(?:µg|μg|ug|mcg)\s*\/\s*h(?:our)?)?\s*$/;
  const TIME = /^\s*([01]\d|2[0-3]):([0-5]\d)\s*$/;

  const short = (number) => number.toLocaleString("en", { maximumFractionDigits: 1, useGrouping: false });

  function stepsOf(pattern) {
    return [...pattern.querySelectorAll("[data-steps] tr")]
      .map((row) => {
        const [start, rate] = row.querySelectorAll("input");
        return { row, start: start.value, rate: rate.value };
      })
      .filter((step) => step.start.trim() || step.rate.trim());
  }

  // Hours and rate of each step; null while something does not read or the times do not rise from 00:00.
  function read(steps) {
    const given = steps.map(({ row, start, rate }) => {
      const [time, number] = [TIME.exec(start), RATE.exec(rate)];
      return time && number ? { row, from: Number(time[1]) + Number(time[2]) / 60, rate: Number(number[1]) } : null;
    });
    if (!given.length || given.includes(null) || given[0].from !== 0) return null;
    if (given.some((step, index) => index && step.from <= given[index - 1].from)) return null;
    return given.map((step, index) => ({ ...step, ug: step.rate * ((given[index + 1]?.from ?? HOURS) - step.from) }));
  }

  function change(total, now) {
    if (!now) return "";
    const percent = (100 * (total - now)) / now;
    return `, ${percent > 0 ? "+" : ""}${short(percent)} % against now`;
  }

  function show(pattern, now, micro) {
    const steps = read(stepsOf(pattern));
    for (const place of pattern.querySelectorAll("[data-step-warning]")) place.textContent = "";
    const total = steps?.reduce((sum, step) => sum + step.ug, 0);
    const line = pattern.querySelector("[data-total]");
    line.textContent = steps ? `${short(total)} ${micro}/day${change(total, now)}` : "Adds up once every step has a time and a rate, the first at 00:00";
    for (const step of now && steps ? steps : []) {
      if (step.ug > now) step.row.querySelector("[data-step-warning]").textContent = `This step alone gives ${short(step.ug)} ${micro}: more than the whole day now (${short(now)} ${micro}). The rate is per hour.`;
    }
  }

  function showAll() {
    const all = document.querySelector("[data-patterns]");
    if (!all) return;
    for (const pattern of all.querySelectorAll("[data-pattern]")) show(pattern, Number(all.dataset.nowUg), all.dataset.micro);
  }

  document.addEventListener("DOMContentLoaded", showAll);
  document.addEventListener("input", showAll);
  document.addEventListener("click", showAll);
})();
