import { defineConfig } from "vite";

/** The browser SDK: one ES module, `dist/tidemark.js`, its types beside it. */
export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    modulePreload: false,
    // Not `lib`: Vite leaves the spaces in ES modules built so.
    rolldownOptions: {
      input: "client/src/index.ts",
      preserveEntrySignatures: "strict",
      output: { format: "es", entryFileNames: "tidemark.js", minify: true },
    },
  },
});
