// Fails when the JavaScript of the first load, or of one route, outgrows its budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_KIB_MAX = 200;
const CHUNK_KIB_MAX = 60;
/** What is loaded once a page is there already; the page works until it has come. */
const LAZY_KIB_MAX = { "src/pages/explore/editor/Editor.tsx": 135 };
const DEPENDENCIES_MAX = 25;

const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const kib = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1024;

const first = new Set();
const visit = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const next of manifest[key].imports ?? []) visit(next);
};
visit("index.html");

const failures = [];
let total = 0;
for (const key of first) total += kib(manifest[key].file);
console.log(`first load: ${total.toFixed(1)} KiB of JavaScript, gzipped (at most ${FIRST_LOAD_KIB_MAX})`);
if (total > FIRST_LOAD_KIB_MAX) failures.push("the first load is too large");
for (const [key, chunk] of Object.entries(manifest)) {
  if (first.has(key) || !chunk.file.endsWith(".js")) continue;
  const size = kib(chunk.file);
  console.log(`  ${chunk.file}: ${size.toFixed(1)} KiB`);
  const most = LAZY_KIB_MAX[key] ?? CHUNK_KIB_MAX;
  if (size > most) failures.push(`${chunk.file} is over ${most} KiB`);
}
const { dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
if (Object.keys(dependencies).length > DEPENDENCIES_MAX) failures.push(`over ${DEPENDENCIES_MAX} runtime dependencies`);
const lock = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
if (lock.includes('"resolved"')) failures.push("package-lock.json names a registry host; npm reads .npmrc for that");
for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
