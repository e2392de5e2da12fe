import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["client/tests/**/*.test.ts", "pages/tests/**/*.test.ts", "pages/tests/**/*.test.tsx"],
    testTimeout: 60_000,
  },
});
