import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `base: "./"` keeps every address relative: index.html carries <base href>, which the server sets to the
// external URL's path, so one build serves under any base path.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    // Nothing is inlined as data: except what the policy allows anyway (images); keep files, they are cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy: { "/evenkeel": "http://127.0.0.1:7700", "/api": "http://127.0.0.1:7700" } },
});
