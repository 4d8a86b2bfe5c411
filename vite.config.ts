import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// The page talks to nobody: what a user pastes stays in the browser. `style-src` needs inline styles for React's style
// attributes and CodeMirror's sheets; scripts come from files only. Not in development, where Vite injects its own client.
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; " +
  "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'"

const contentSecurityPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: CSP }, injectTo: 'head-prepend' },
  ],
}

export default defineConfig({
  base: './',
  plugins: [react(), contentSecurityPolicy],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 600,
    // Which files the entry pulls in: the bundle budget reads it.
    manifest: true,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // React changes with its releases, our code with ours: a returning visitor fetches only what changed.
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
            // What every part of the page stands on, in one file: thirty small ones compress badly.
            {
              name: 'ground',
              test: /node_modules\/zustand\/|src\/base\/(assert-never|bisect|bytes|result)\.ts|src\/world\/|src\/net\/(address|packet)\.ts|src\/trace\/(columns|step|packets|names)\.ts|src\/store\/(preferences|playhead|state|stops)\.ts|src\/scenario\/changes\.ts|src\/ui\/(context|time|place)\.tsx?|src\/ui\/i18n\/(en|words)\.ts|src\/ui\/widgets\/(icon|tabs|boundary)\./,
            },
          ],
        },
      },
    },
  },
  test: {
    environment: 'node',
    // Property tests and whole scenarios take seconds where the machine is slow or busy; a hang still ends.
    testTimeout: 60_000,
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx'],
    benchmark: { include: ['src/**/*.bench.ts'] },
  },
})
