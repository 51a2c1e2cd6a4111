import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// One build serves under any base path: what JavaScript and CSS load is relative to themselves, and index.html says
// "/app/ where the server writes the external URL's path before it. (No <base>: the policy has base-uri 'none'.)
export default defineConfig({
  base: "/app/",
  plugins: [react()],
  experimental: {
    renderBuiltUrl: (filename, { hostType }) => (hostType === "html" ? `/app/${filename}` : { relative: true }),
  },
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy: { "/evenkeel": "http://127.0.0.1:7700", "/api": "http://127.0.0.1:7700" } },
});
