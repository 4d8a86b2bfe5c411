// The house (who may import whom), checked over every module by dependency-cruiser. The table below is the whole law;
// the last part proves that the check looked at our modules and that it catches what it is for.
import { createRequire } from 'node:module'

// dependency-cruiser asks swc for TypeScript without saying that a .tsx file has JSX in it; it must before it is loaded.
const swc = createRequire(import.meta.url)('@swc/core')
const { parseFileSync } = swc
swc.parseFileSync = (file, options) => parseFileSync(file, { ...options, tsx: file.endsWith('.tsx') })
const { cruise } = await import('dependency-cruiser')

const left = {
  base: [],
  net: ['base'],
  world: ['base', 'net'],
  trace: ['base', 'net', 'world'],
  kernel: ['base', 'net', 'world', 'trace'],
  sim: ['base', 'net', 'world', 'trace', 'kernel'],
  linux: ['base', 'net', 'world'],
  scenario: ['base'],
  library: ['base', 'scenario'],
  cluster: ['base', 'net', 'world', 'linux', 'scenario'],
  console: ['base', 'net', 'world', 'trace', 'linux', 'kernel'],
  explain: ['base', 'net', 'world', 'trace'],
  debug: ['base', 'net', 'world', 'trace', 'kernel', 'sim', 'linux', 'scenario', 'console', 'explain'],
  worker: ['base', 'net', 'world', 'trace', 'kernel', 'sim', 'lab', 'linux', 'scenario', 'library', 'cluster', 'console', 'explain', 'debug'],
  diagram: ['base', 'net', 'world', 'trace'],
  // Everything left of the console is left of these two as well; sim and cluster run in the worker alone.
  store: ['base', 'net', 'world', 'trace', 'kernel', 'linux', 'scenario', 'library', 'explain', 'console', 'worker'],
  ui: ['base', 'net', 'world', 'trace', 'kernel', 'linux', 'scenario', 'library', 'explain', 'console', 'worker', 'debug', 'diagram', 'store'],
  lab: ['base', 'net', 'world', 'trace', 'kernel', 'sim', 'linux'],
  cli: ['base', 'net', 'world', 'trace', 'kernel', 'sim', 'lab', 'linux', 'scenario', 'library', 'cluster', 'console', 'explain', 'debug'],
}

/** Rooms that know nothing of npm but ip-num, nor of Node. */
const pure = ['base', 'net', 'world', 'trace', 'kernel', 'sim', 'linux', 'lab', 'console', 'explain', 'debug']
// A test may build its world with whatever is handy; the house rules are for what ships.
const test = '^src/.*(\\.(test|bench)\\.tsx?$|/testing/|/testing\\.ts$)'

const forbidden = [
  ...Object.entries(left).map(([room, allowed]) => ({
    name: `${room} imports only from its left`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
  })),
  {
    name: 'nothing imports the composition root',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^src/main\\.tsx$' },
  },
  {
    name: 'the engine takes no package but ip-num',
    severity: 'error',
    from: { path: `^src/(${pure.join('|')})/` },
    to: { path: 'node_modules', pathNot: 'node_modules/ip-num/' },
  },
  {
    name: 'the engine knows nothing of Node',
    severity: 'error',
    from: { path: `^src/(${[...pure, 'scenario', 'cluster', 'library', 'worker', 'store', 'diagram', 'ui'].join('|')})/` },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'the diagram computes and knows no React',
    severity: 'error',
    from: { path: '^src/diagram/' },
    to: { path: 'node_modules/(react|react-dom|zustand)/' },
  },
  {
    name: 'the page reaches sim and cluster only through the worker',
    severity: 'error',
    from: { path: '^src/(ui|store)/' },
    to: { path: '^src/worker/host', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'one panel never imports another',
    severity: 'error',
    from: { path: '^src/ui/panels/([^/]+)/' },
    to: { path: '^src/ui/panels/([^/]+)/', pathNot: '^src/ui/panels/$1/' },
  },
  { name: 'every import resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
]

async function look(baseDir) {
  const { output } = await cruise(
    ['src'],
    {
      baseDir,
      validate: true,
      ruleSet: { forbidden },
      parser: 'swc',
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: test },
      enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js'], conditionNames: ['import', 'types', 'default'], exportsFields: ['exports'] },
    },
  )
  const modules = output.modules.filter((m) => m.source.startsWith('src/'))
  const edges = modules.reduce((n, m) => n + m.dependencies.length, 0)
  return { modules, edges, violations: output.summary.violations.filter((v) => v.rule.severity === 'error') }
}

const fail = (message) => {
  console.error(`layers: ${message}`)
  process.exitCode = 1
}

const house = await look(process.cwd())
for (const v of house.violations) fail(`${v.from} → ${v.to}: ${v.rule.name}`)
const looked = house.modules.filter((m) => Object.keys(left).some((room) => m.source.startsWith(`src/${room}/`)))
if (looked.length < 100 || house.edges < 200) fail(`looked at only ${looked.length} modules and ${house.edges} imports; the check itself is broken`)

const planted = await look(new URL('./fixtures', import.meta.url).pathname)
const expected = [
  'kernel imports only from its left',
  'the engine takes no package but ip-num',
  'the engine knows nothing of Node',
  'the diagram computes and knows no React',
  'one panel never imports another',
]
for (const name of expected) {
  if (!planted.violations.some((v) => v.rule.name === name)) fail(`a planted violation of "${name}" was not caught`)
}
if (process.exitCode === undefined) {
  console.log(`layers: ${looked.length} modules, ${house.edges} imports, 0 violations; ${expected.length} planted violations caught`)
}
