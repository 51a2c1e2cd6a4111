// Fails when src/api/schema.ts is not what src/api/schema.json says; `npm run api` makes it anew.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const made = spawnSync(
  process.execPath,
  [path("node_modules/openapi-typescript/bin/cli.js"), path("src/api/schema.json"), "--root-types", "--root-types-no-schema-prefix"],
  { encoding: "utf8" },
);
if (made.status !== 0 || made.stdout.trim() !== readFileSync(path("src/api/schema.ts"), "utf8").trim()) {
  console.error(made.stderr, "src/api/schema.ts differs from src/api/schema.json; run `npm run api`");
  process.exit(1);
}
