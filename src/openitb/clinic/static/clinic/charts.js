// Draws the charts of a page: panels above each other on one time axis, from the JSON beside them.
"use strict";

(() => {
  const DAY_MS = 86_400_000;
  const PANEL_PX = 118;
  const EVENT_ROW_PX = 22;
  const GAP_PX = 46;
  const LEGEND_LINE_PX = 18;
  const ZOOM_FROM_MS = 60 * DAY_MS;
  const TIME_LABELS = { year: "{yyyy}", month: "{MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" };
  const charts = new Map();

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const color = (role) => css(`--itb-${role}`) || css("--itb-event");
  const withAlpha = (hex, alpha) => `${hex}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
  const panelHeight = (panel) => (panel.rows ? Math.max(1, panel.rows.length) * EVENT_ROW_PX : PANEL_PX);
  const twoDigits = (number) => String(number).padStart(2, "0");

  function drawAll(root) {
    for (const element of root.querySelectorAll("[data-chart]")) draw(element);
  }

  function draw(element) {
    const data = withLive(JSON.parse(document.getElementById(element.dataset.chart).textContent));
    const option = optionOf(data, element.clientWidth < 560);
    element.style.height = `${option.totalHeight}px`;
    charts.get(element)?.dispose();
    const chart = echarts.init(element, null, { renderer: "canvas" });
    delete option.totalHeight;
    chart.setOption(option);
    charts.set(element, chart);
  }

  // The pump is read after the page is there: its reservoir goes on to that reading.
  function withLive(data) {
    const live = document.getElementById("live-point");
    const line = data.panels.flatMap((panel) => panel.series).find((one) => one.role === "reservoir");
    if (live && line) line.points.push(JSON.parse(live.textContent));
    return data;
  }

  function optionOf(data, narrow) {
    const tops = [];
    let top = 30;
    for (const panel of data.panels) {
      if (narrow && panel.series.length > 1) top += LEGEND_LINE_PX;
      tops.push(top);
      top += panelHeight(panel) + GAP_PX;
    }
    const left = narrow ? 44 : 74;
    const last = data.panels.length - 1;
    const span = timeSpan(data);
    const zooms = span.to - span.from > ZOOM_FROM_MS;
    return {
      animation: false,
      textStyle: { fontFamily: css("--itb-font"), fontSize: 12 },
      totalHeight: top + (zooms ? 14 : -12),
      title: data.panels.map((panel, i) => titleOf(panel, tops[i], narrow)),
      grid: data.panels.map((panel, i) => ({ top: tops[i], left, right: 18, height: panelHeight(panel) })),
      legend: data.panels.flatMap((panel, i) => legendOf(panel, tops[i], narrow)),
      xAxis: data.panels.map((panel, i) => timeAxis(i, i === last, span, narrow)),
      yAxis: data.panels.map((panel, i) => valueAxis(panel, i)),
      series: data.panels.flatMap((panel, i) => panel.series.flatMap((one) => seriesOf(one, panel, i, data))),
      axisPointer: { link: [{ xAxisIndex: "all" }], label: { backgroundColor: css("--itb-ink"), color: "#fff" } },
      tooltip: tooltipOf(data),
      dataZoom: zooms ? zoomOf(data, narrow, left) : [],
    };
  }

  function timeSpan(data) {
    const times = data.panels.flatMap((panel) => panel.series.flatMap((one) => one.points.map((point) => point[0])));
    const untilNow = data.panels.some((panel) => panel.series.some((one) => one.untilNow));
    if (untilNow) times.push(data.now);
    const [from, to] = [Math.min(...times), Math.max(...times)];
    const margin = Math.max((to - from) * 0.015, 60_000);
    return { from: from - margin, to: to + margin };
  }

  function titleOf(panel, top, narrow) {
    const lifted = narrow && panel.series.length > 1 ? LEGEND_LINE_PX : 0;
    return {
      text: panel.unit && !panel.title.toLowerCase().endsWith(panel.unit) ? `${panel.title} (${panel.unit})` : panel.title,
      left: 12,
      top: top - 26 - lifted,
      textStyle: { fontSize: 12, fontWeight: 600, color: css("--cds-text-secondary") },
    };
  }

  function legendOf(panel, top, narrow) {
    if (panel.series.length < 2) return [];
    return [{
      data: panel.series.map((one) => keyOf(one, panel)),
      formatter: (key) => key.split("|")[0],
      ...(narrow ? { left: 8, width: "96%" } : { right: 14, width: "60%" }),
      top: top - 26,
      type: "scroll",
      itemHeight: 8,
      itemWidth: 16,
      pageIconColor: css("--cds-text-secondary"),
      pageTextStyle: { color: css("--cds-text-secondary") },
      textStyle: { color: css("--cds-text-secondary"), fontSize: 11 },
    }];
  }

  const keyOf = (one, panel) => `${one.name}|${panel.title}`;

  function timeAxis(index, isLast, span, narrow) {
    return {
      type: "time",
      gridIndex: index,
      min: span.from,
      max: span.to,
      axisLine: { lineStyle: { color: css("--cds-border-strong-01") } },
      axisTick: { show: isLast },
      axisLabel: { show: isLast, hideOverlap: true, formatter: TIME_LABELS, color: css("--cds-text-helper"), fontSize: 11 },
      splitNumber: narrow ? 3 : 8,
      splitLine: { show: true, lineStyle: { color: withAlpha(css("--cds-border-subtle-01"), 0.6) } },
      axisPointer: { show: true, type: "line", lineStyle: { color: css("--cds-border-strong-01") }, label: { show: isLast, formatter: ({ value }) => instant(value) } },
    };
  }

  function valueAxis(panel, index) {
    const common = { gridIndex: index, axisLabel: { color: css("--cds-text-helper"), fontSize: 11 }, axisLine: { show: false }, axisTick: { show: false } };
    if (panel.rows) return { ...common, type: "category", data: panel.rows, splitLine: { show: true, lineStyle: { color: css("--cds-border-subtle-01") } }, axisPointer: { show: false } };
    return {
      ...common,
      type: "value",
      min: panel.min ?? (panel.unit === "score" ? ({ min }) => Math.floor(min) : 0),
      max: panel.max ?? (panel.unit === "score" ? ({ max }) => Math.ceil(max) : null),
      minInterval: panel.unit === "score" ? 1 : 0,
      interval: intervalOf(panel),
      splitNumber: 3,
      splitLine: { lineStyle: { color: css("--cds-border-subtle-01") } },
      axisPointer: { show: false },
    };
  }

  // Whole points on a scale of few points, quarters on a fraction.
  function intervalOf(panel) {
    if (panel.max === 1) return 0.25;
    return panel.max >= 2 && panel.max <= 6 ? 1 : undefined;
  }

  function seriesOf(one, panel, index, data) {
    const base = { name: keyOf(one, panel), xAxisIndex: index, yAxisIndex: index, itemStyle: { color: color(one.role) }, lineStyle: { color: color(one.role), width: 2 } };
    const marks = panel.series[0] === one ? nowLine(data, index) : {};
    if (one.kind === "band") return bandOf(one, base, marks);
    if (one.kind === "dots") return [{ ...base, ...marks, type: "scatter", symbolSize: 8, data: one.points }];
    const isStep = one.kind === "step";
    const isRated = one.kind === "marks"; // between two ratings nobody looked: joined faintly
    const points = isStep && one.untilNow && one.points.length ? [...one.points, [data.now, one.points.at(-1)[1]]] : one.points;
    return [{
      ...base,
      ...marks,
      type: "line",
      step: isStep ? "end" : false,
      symbol: isStep ? "none" : "circle",
      symbolSize: isRated ? 7 : 5,
      lineStyle: isRated ? { ...base.lineStyle, width: 1, type: "dotted" } : base.lineStyle,
      showSymbol: isRated || (!isStep && points.length < 120),
      areaStyle: isStep ? { color: withAlpha(color(one.role), 0.12) } : undefined,
      data: points,
    }];
  }

  function bandOf(one, base, marks) {
    const stack = `${base.name}|band`;
    const hidden = { ...base, type: "line", stack, stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false }, silent: true };
    const isOld = one.role === "old";
    return [
      { ...hidden, name: `${base.name}|low`, data: one.points.map(([at, , low]) => [at, low]) },
      { ...hidden, name: `${base.name}|width`, areaStyle: { color: withAlpha(color(one.role), isOld ? 0.14 : 0.2) }, data: one.points.map(([at, , low, high]) => [at, high - low]) },
      { ...base, ...marks, type: "line", symbol: "none", lineStyle: { ...base.lineStyle, type: isOld ? "dashed" : "solid" }, data: one.points },
    ];
  }

  // Where the present is; a prediction also tints what is past and names both sides on its first panel.
  function nowLine(data, index) {
    const label = (text, position) => ({ formatter: text, position, show: index === 0, color: css("--cds-text-secondary"), fontSize: 11 });
    const marks = {
      markLine: {
        silent: true,
        symbol: "none",
        animation: false,
        label: { ...label("now", "end"), distance: 2, show: index === 0 && Boolean(data.ahead) },
        lineStyle: { color: css("--itb-accent"), type: data.ahead ? "solid" : "dotted", width: 1.5 },
        data: [{ xAxis: data.now }],
      },
    };
    if (data.ahead) marks.markArea = pastArea(data, label);
    return marks;
  }

  function pastArea(data, label) {
    const [past, ahead] = data.ahead;
    const side = (text, from, to, alpha) => [
      { xAxis: from, label: label(text, "insideTop"), itemStyle: { color: withAlpha(color("event"), alpha) } },
      { xAxis: to },
    ];
    return { silent: true, animation: false, data: [side(past, "min", data.now, 0.1), side(ahead, data.now, "max", 0)] };
  }

  function tooltipOf(data) {
    return {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: css("--cds-layer-01"),
      borderColor: css("--cds-border-strong-01"),
      textStyle: { color: css("--cds-text-primary"), fontSize: 12 },
      formatter: (found) => lines(found, data).join("\n"),
    };
  }

  function lines(found, data) {
    const shown = found.filter((item) => item.value[1] !== null && !/\|(low|width)$/.test(item.seriesName));
    if (!shown.length) return [];
    return [instant(shown[0].axisValue), ...shown.map((item) => lineOf(item, data))];
  }

  function lineOf(item, data) {
    const [name, title] = item.seriesName.split("|");
    const panel = data.panels.find((one) => one.title === title);
    const [, value, low, high] = item.value;
    if (panel.rows) return `${panel.rows[value]}: ${item.value[2]}`;
    const unit = ["score", "points", ""].includes(panel.unit) ? "" : ` ${panel.unit}`;
    const range = high === undefined ? "" : ` (${short(low)} to ${short(high)})`;
    return `${name === title ? title : `${title}, ${name}`}: ${short(value)}${unit}${range}`;
  }

  function short(value) {
    return Number(value).toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1, useGrouping: false });
  }

  function instant(ms) {
    const at = new Date(ms);
    const day = `${at.getUTCFullYear()}-${twoDigits(at.getUTCMonth() + 1)}-${twoDigits(at.getUTCDate())}`;
    return `${day} ${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}`;
  }

  function zoomOf(data, narrow, left) {
    const all = data.panels.map((_, index) => index);
    const slider = {
      type: "slider",
      xAxisIndex: all,
      bottom: 6,
      height: 18,
      left,
      right: 18,
      labelFormatter: (ms) => instant(ms).slice(0, 10),
      borderColor: css("--cds-border-subtle-01"),
      fillerColor: withAlpha(color("reservoir"), 0.15),
      handleStyle: { color: color("reservoir"), borderColor: color("reservoir") },
      moveHandleStyle: { color: css("--cds-border-strong-01") },
      textStyle: { color: css("--cds-text-helper"), fontSize: 10 },
      showDataShadow: false,
      minValueSpan: DAY_MS / 24,
    };
    const inside = { type: "inside", xAxisIndex: all, zoomOnMouseWheel: "ctrl", moveOnMouseMove: !narrow, preventDefaultMouseMove: false };
    return [slider, inside];
  }

  function redraw() {
    for (const element of [...charts.keys()]) {
      if (element.isConnected) draw(element);
      else {
        charts.get(element).dispose();
        charts.delete(element);
      }
    }
  }

  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 120);
  });
  for (const medium of ["(prefers-color-scheme: dark)", "print"]) matchMedia(medium).addEventListener("change", redraw);
  document.addEventListener("DOMContentLoaded", () => drawAll(document));
  let drawnLive = null;
  function afterSwap() {
    const live = document.getElementById("live-point")?.textContent ?? null;
    const isNew = live !== drawnLive;
    drawnLive = live;
    for (const element of document.querySelectorAll("[data-chart]")) {
      if (!charts.has(element) || (isNew && element.dataset.chart === "history-data")) draw(element);
    }
  }
  for (const name of ["htmx:after:swap", "htmx:afterSwap"]) document.addEventListener(name, afterSwap);
})();
