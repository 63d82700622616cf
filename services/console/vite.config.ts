import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// Served by yc-api from share/console under a strict CSP: no inline scripts, no inline styles, no eval.
export default defineConfig({
  plugins: [vue()],
  base: '/',
  build: { target: 'es2020', outDir: 'dist', modulePreload: { polyfill: false }, assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
})
