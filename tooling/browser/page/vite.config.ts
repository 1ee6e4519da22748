import { defineConfig } from "vite";

// One origin, so that it can be said to `blkmig send --allow-origin`.
export default defineConfig({ server: { host: "127.0.0.1", port: 5173, strictPort: true } });
