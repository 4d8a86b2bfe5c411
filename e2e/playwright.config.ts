import { defineConfig } from '@playwright/test'

const PORT = 4188

/** A real Chromium against the built page, served as a user would serve it. `npm test` finds the browser (.ci/browser.mjs). */
export default defineConfig({
  testDir: '.',
  // What measures runs by itself, after the rest: it would measure its neighbour, and disturb it.
  projects: [
    { name: 'page', testMatch: '**/*.spec.ts', testIgnore: '**/perf.spec.ts' },
    { name: 'figures', testMatch: '**/perf.spec.ts', dependencies: ['page'] },
  ],
  timeout: 60_000,
  expect: { timeout: 12_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list'], ['json']],
  outputDir: '../test-results',
  use: {
    baseURL: `http://localhost:${PORT}/`,
    viewport: { width: 1440, height: 900 },
    actionTimeout: 12_000,
    launchOptions: {
      ...(process.env.HOPSCOPE_BROWSER === undefined ? {} : { executablePath: process.env.HOPSCOPE_BROWSER }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    },
  },
  webServer: {
    command: `npx vite preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
    cwd: '..',
    reuseExistingServer: false,
    timeout: 30_000,
  },
})
