import {copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** From the top down: a room imports from itself and from those after it. */
const ROOMS = [
  'commands',
  'cli',
  'view',
  'doctor',
  'launch',
  'setup',
  'inspect',
  'layouts',
  'sync',
  'registry',
  'sdk',
  'store',
  'transcript',
  'object-store',
  'metrics',
  'base',
]

describe('the linter keeps the rooms', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'reprise-lint-'))
  let complaints: ReadonlyMap<string, string>

  const probes: {readonly path: string; readonly code: string; readonly rule?: string}[] = []
  for (const [index, room] of ROOMS.entries()) {
    for (const [other, target] of ROOMS.entries()) {
      const up = other < index
      for (const [folder, climb] of [
        ['', '../'],
        ['deep/er/', '../../../'],
      ] as const) {
        const path = `src/${room}/${folder}to-${target}.ts`
        const code = `import {a} from '${climb}${target}/a.js'\nexport const b = a\n`
        probes.push({path, code, ...(up ? {rule: 'no-restricted-imports'} : {})})
      }
    }
  }
  const ambient = [
    ['date', 'export const now = Date.now()', 'no-restricted-properties'],
    ['random', 'export const chance = Math.random()', 'no-restricted-properties'],
    ['env', "export const home = process.env['HOME']", 'no-restricted-properties'],
    ['exit', 'process.exit(0)', 'no-restricted-properties'],
    ['uuid', "import {randomUUID} from 'node:crypto'\nexport const id = randomUUID()", 'no-restricted-imports'],
    ['process', "import {env} from 'node:process'\nexport const home = env['HOME']", 'no-restricted-imports'],
    [
      'system',
      "import {systemClock} from '../base/system.js'\nexport const clock = systemClock",
      'no-restricted-imports',
    ],
  ] as const
  for (const room of ROOMS.slice(2)) {
    for (const [name, code, rule] of ambient) {
      if (room === 'base' && name === 'system') continue
      probes.push({path: `src/${room}/ambient-${name}.ts`, code: `${code}\n`, rule})
    }
  }
  probes.push({path: 'src/store/any.ts', code: 'export const x: any = 1\n', rule: 'no-explicit-any'})
  probes.push({path: 'src/store/bang.ts', code: "export const x = ['a'][0]!\n", rule: 'no-non-null-assertion'})

  beforeAll(async () => {
    for (const {path, code} of probes) {
      mkdirSync(dirname(join(scratch, path)), {recursive: true})
      writeFileSync(join(scratch, path), code)
    }
    copyFileSync(join(root, '.oxlintrc.json'), join(scratch, '.oxlintrc.json'))
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
    // The scratch tree has no types to be aware of; the rules in question need none.
    const {stdout} = await execa(process.execPath, [oxlint, '--format=json', 'src'], {cwd: scratch, reject: false})
    const {diagnostics} = JSON.parse(stdout) as {diagnostics: {filename: string; code: string}[]}
    complaints = new Map(probes.map(({path}) => [path, codesOf(path)]))

    function codesOf(path: string): string {
      return diagnostics
        .filter(({filename}) => filename.endsWith(path))
        .map(({code}) => code)
        .join(' ')
    }
  })

  afterAll(() => rmSync(scratch, {recursive: true, force: true}))

  test('upwards and the ambient are refused, downwards is not', () => {
    const wrong = probes.filter(({path, rule}) => {
      const complaint = complaints.get(path) ?? ''
      return rule === undefined ? complaint.includes('no-restricted') : !complaint.includes(rule)
    })
    expect(wrong).toEqual([])
    expect(probes.filter(({rule}) => rule !== undefined).length).toBeGreaterThan(150)
  })
})

describe('what the linter does not see', () => {
  const files = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'}).filter((path) =>
    /\.tsx?$/u.test(path),
  )
  const source = (path: string) => readFileSync(join(root, 'src', path), 'utf8')

  test('no dynamic import climbs', () => {
    const climbing = files.flatMap((path) => {
      const own = ROOMS.indexOf(path.split('/')[0] ?? '')
      return [...source(path).matchAll(/\bimport\(\s*'(?<to>\.[^']*)'/gu)]
        .map(({groups}) => relative('.', join(dirname(path), groups?.['to'] ?? '')))
        .filter((target) => own !== -1 && ROOMS.indexOf(target.split('/')[0] ?? '') < own)
        .map((target) => `${path} -> ${target}`)
    })
    expect(climbing).toEqual([])
  })

  test('no `new Date()` below cli/ reads the clock', () => {
    const below = files.filter((path) => !/^(?:commands|cli|base\/system)/u.test(path))
    expect(below.filter((path) => /new Date\(\)/u.test(source(path)))).toEqual([])
  })

  test('a disabled rule says why', () => {
    const silent = files.filter((path) => /oxlint-disable(?![^\n]* -- \S)/u.test(source(path)))
    expect(silent).toEqual([])
  })
})
