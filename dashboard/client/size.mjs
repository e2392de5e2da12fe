// Fails when the built client is larger than the budget that its users were promised.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 8000; // 8 KB, gzipped
const size = gzipSync(readFileSync(new URL("../dist/tidemark.js", import.meta.url)), { level: 9 }).length;
console.log(`tidemark.js: ${size} bytes gzipped of ${BUDGET_BYTES}`);
process.exitCode = size > BUDGET_BYTES ? 1 : 0;
