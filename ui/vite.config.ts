import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Two pages. Nothing is inlined (the daemon serves them under a strict Content-Security-Policy: no inline script, style or data).
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'chrome109',
    rolldownOptions: { input: { lane: 'index.html', driver: 'driver.html' } },
  },
  server: { proxy: { '/api': process.env['BORDERLANE_URL'] ?? 'http://127.0.0.1:8080' } },
});
