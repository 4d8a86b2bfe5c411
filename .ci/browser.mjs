// Finds a browser for the page's tests: Playwright's own, else one of the system's, else installs one. It answers with a
// path or throws one line that says what to install; the tests are never skipped for want of a browser.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from '@playwright/test'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge']
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
]

const runs = (file) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function find() {
  const asked = process.env.HOPSCOPE_BROWSER
  if (asked) {
    if (!runs(asked)) throw new Error(`HOPSCOPE_BROWSER is ${asked}, which is not a program.`)
    return asked
  }
  const own = chromium.executablePath()
  if (own && existsSync(own)) return own
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) if (runs(join(dir, name))) return join(dir, name)
  }
  return PLACES.find(runs)
}

const attempt = (command, args, minutes = 8) => {
  console.log(`browser: ${command} ${args.join(' ')}`)
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: minutes * 60_000 }).status === 0
}

/** The path of a Chromium, Chrome or Edge. */
export function browserPath() {
  const found = find()
  if (found) return found
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx'
  attempt(npx, ['playwright', 'install', 'chromium'])
  const downloaded = find()
  if (downloaded) return downloaded
  if (process.getuid?.() === 0) {
    if (runs('/usr/bin/apt-get')) attempt('apt-get', ['update', '-qq']) && attempt('apt-get', ['install', '-y', '-qq', 'chromium'])
    else if (runs('/usr/bin/dnf')) attempt('dnf', ['install', '-y', '-q', 'chromium'])
    else if (runs('/sbin/apk')) attempt('apk', ['add', '--quiet', 'chromium'])
    const installed = find()
    if (installed) return installed
  }
  throw new Error('No browser found and none could be installed: install Chromium or Chrome, or set HOPSCOPE_BROWSER to its path.')
}
