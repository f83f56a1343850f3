/** Builds the demo space into `examples/dist`, which the server serves at `/`. Addresses are relative, so it works below any path. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    rollupOptions: { input: ["index.html", "moderate.html"].map((page) => fileURLToPath(new URL(page, import.meta.url))) },
    target: "es2022",
    // three.js alone is larger than Vite's default of 500 kB; the emulated headset is loaded on demand.
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
  },
});
