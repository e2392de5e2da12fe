import { defineConfig } from "vite";

/**
 * The dashboard page, all files flat in the folder that the HTTP API serves from. The page is `{http_url}/dashboard`,
 * without a slash at its end, and its files are `{http_url}/dashboard/<name>`; `http_url` may have a path. So the page
 * names them relative to itself, and a script names others relative to the script.
 */
export default defineConfig({
  root: "pages",
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox121", "safari17.5"], // what knows light-dark()
    outDir: "../../layers/core/tidemark/http/page",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  experimental: {
    renderBuiltUrl: (name, { hostType }) => (hostType === "html" ? `dashboard/${name}` : { relative: true }),
  },
});
