// Rebuild src/openitb/clinic/static/vendor from npm packages: `npm ci && npm run build`.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import postcss from "postcss";
import * as sass from "sass";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, "node_modules");
const vendor = path.resolve(here, "../../src/openitb/clinic/static/vendor");

// Families that Carbon's components drag in and no page of ours shows.
const UNUSED_CLASS = new RegExp(
  "\\.cds--(popover|actionable|toast|ai-|slug|skeleton|overflow-menu|tooltip|definition-|tile--|tile-|expandable|toggletip" +
    "|list-box|combo|dropdown|date-picker|time-picker|multi-select|badge|decorator|text-input--fluid|select--fluid" +
    "|text-area--fluid|form--fluid|search--fluid|tag--operational|tag--selectable|tag--filter|password|navigation" +
    "|data-table--(ai|zebra|sticky|max)|parent-row|child-row|table-expand|batch-|action-list|btn--expressive|btn--skeleton)"
);
const UNUSED_PROPERTY = /^--cds-(syntax|chat|ai|fluid|display|quotation|expressive|legal|slug|popover)-?/;

const ICONS = [
  "activity", "add", "arrow--right", "arrow--down", "arrow--up", "battery--half", "calendar", "checkmark--filled",
  "checkmark--outline", "chevron--right", "close", "error--filled", "help", "information--filled", "logout", "misuse--outline",
  "notification", "pending--filled", "printer", "rain-drop", "renew", "search", "stethoscope", "subtract", "time", "timer",
  "unknown--filled", "user", "user--multiple", "warning--alt--filled", "warning--filled", "wifi--off", "not-sent", "edit",
  "document", "trash-can", "event", "medication", "meter", "sort--ascending", "sort--descending", "chevron--down", "checkmark", "save", "undo", "information",
];

const PACKAGES = {
  "@carbon/styles": { folder: "carbon", licence: "Apache-2.0", files: [] },
  "@carbon/icons": { folder: "carbon", licence: "Apache-2.0", files: [] },
  "htmx.org": { folder: "htmx", licence: "0BSD", files: ["dist/htmx.min.js"] },
  echarts: { folder: "echarts", licence: "Apache-2.0", files: ["dist/echarts.common.min.js", "NOTICE"] },
};

for (const name of Object.keys(PACKAGES)) copyPackage(name);
writeFileSync(path.join(vendor, "carbon/carbon.css"), stylesheet());
writeFileSync(path.join(vendor, "carbon/icons.svg"), sprite());
writeFileSync(path.join(vendor, "VENDOR.md"), manifest());

function copyPackage(name) {
  const { folder, files } = PACKAGES[name];
  const target = path.join(vendor, folder);
  mkdirSync(target, { recursive: true });
  cpSync(path.join(modules, name, "LICENSE"), path.join(target, "LICENSE.txt"));
  for (const file of files) {
    const out = path.basename(file) === "NOTICE" ? "NOTICE.txt" : path.basename(file);
    writeFileSync(path.join(target, out), withoutSourceMap(readFileSync(path.join(modules, name, file), "utf8")));
  }
}

function withoutSourceMap(text) {
  return text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "\n");
}

function stylesheet() {
  const options = { loadPaths: [modules], style: "compressed", quietDeps: true };
  const root = postcss.parse(sass.compile(path.join(here, "carbon.scss"), options).css);
  root.walkRules(keepUsedSelectors);
  root.walkDecls(UNUSED_PROPERTY, (declaration) => declaration.remove());
  removeEmpty(root);
  return `${banner("@carbon/styles", "Copyright IBM Corp. 2014-2026.")}${root.toString().trim()}\n`;
}

function keepUsedSelectors(rule) {
  if (rule.parent.type === "atrule" && rule.parent.name.endsWith("keyframes")) return;
  const kept = rule.selectors.filter((selector) => !UNUSED_CLASS.test(selector));
  if (kept.length === 0) rule.remove();
  else rule.selectors = kept;
}

function removeEmpty(root) {
  root.walk((node) => {
    if (node.nodes && node.nodes.length === 0) node.remove();
  });
  root.walkAtRules((node) => {
    if (node.nodes && node.nodes.length === 0) node.remove();
  });
}

function sprite() {
  const symbols = ICONS.map(symbol).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg">\n<!-- From @carbon/icons ${version("@carbon/icons")}, Apache-2.0, see LICENSE.txt -->\n${symbols}\n</svg>\n`;
}

function symbol(name) {
  const svg = readFileSync(path.join(modules, "@carbon/icons/svg/32", `${name}.svg`), "utf8");
  const body = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>[\s\S]*$/, "");
  const drawn = body.replace(/<(title|style|defs)[\s\S]*?<\/\1>/g, "").replace(/<rect[^>]*(Transparent|width="32" height="32")[^>]*\/?>(<\/rect>)?/g, "");
  return `<symbol id="${name}" viewBox="0 0 32 32">${drawn.trim()}</symbol>`;
}

function manifest() {
  const rows = Object.entries({
    "carbon/carbon.css": "@carbon/styles",
    "carbon/icons.svg": "@carbon/icons",
    "htmx/htmx.min.js": "htmx.org",
    "echarts/echarts.common.min.js": "echarts",
  }).map(([file, name]) => `| \`${file}\` | ${name} | ${version(name)} | ${PACKAGES[name].licence} | \`${digest(file)}\` |`);
  return [
    "# Vendored front-end files",
    "",
    "Built by `tools/design`; do not edit by hand. Licence texts stand beside the files.",
    "`carbon.css` is a subset compiled without fonts; `icons.svg` is a selection. The scripts are unchanged but for the source-map line.",
    "",
    "| file | package | version | licence | sha256 |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function digest(file) {
  return createHash("sha256").update(readFileSync(path.join(vendor, file))).digest("hex");
}

function version(name) {
  return JSON.parse(readFileSync(path.join(modules, name, "package.json"), "utf8")).version;
}

function banner(name, copyright) {
  return `/* Subset of ${name} ${version(name)}, Apache-2.0, see LICENSE.txt. ${copyright} Compiled by tools/design. */\n`;
}
