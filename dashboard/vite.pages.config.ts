import { defineConfig } from "vite";

/**
 * The dashboard page and the admin page, all files flat in the folder that the HTTP API serves from. The pages are
 * `{http_url}/dashboard` and `{http_url}/admin`, without a slash at their ends, and their files are
 * `{http_url}/dashboard/<name>`; `http_url` may have a path. So a page names them relative to itself, and a script names
 * others relative to the script.
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
    rolldownOptions: { input: { index: "pages/index.html", admin: "pages/admin.html" } },
  },
  experimental: {
    renderBuiltUrl: (name, { hostType }) => (hostType === "html" ? `dashboard/${name}` : { relative: true }),
  },
});
