import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, onTestFinished, test} from 'vitest'
import {conformanceCases} from '../../src/testing.js'

const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/adapters.md')
const COMPILER = [
  '--ignoreConfig',
  '--module',
  'nodenext',
  '--target',
  'es2023',
  '--lib',
  'es2023,esnext.disposable',
  '--types',
  'node',
]

const run = promisify(execFile)

async function tsc(cwd: string, ...options: string[]): Promise<void> {
  await run(join(ROOT, 'node_modules/.bin/tsc'), [...COMPILER, ...options], {cwd}).catch((error: unknown) => {
    throw new Error(error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error))
  })
}

async function codeBlocks(): Promise<string[]> {
  const page = await readFile(PAGE, 'utf8')
  return [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? '')
}

/** A project of a user: the page's files, and this package as it would be installed. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'reprise-adapter-'))
  onTestFinished(async () => rm(directory, {recursive: true, force: true}))
  const installed = join(directory, 'node_modules/reprise')
  await mkdir(installed, {recursive: true})
  await symlink(join(ROOT, 'node_modules/@types'), join(directory, 'node_modules/@types'))
  const exported = ['base/errors', 'object-store/join', 'object-store/object-store']
  const sources = ['testing', ...exported].map((name) => join(ROOT, 'src', `${name}.ts`))
  await tsc(
    ROOT,
    '--noCheck',
    '--declaration',
    '--rootDir',
    join(ROOT, 'src'),
    '--outDir',
    join(installed, 'dist'),
    ...sources,
  )
  const index = exported.map((name) => `export * from './${name}.js'\n`).join('')
  await writeFile(join(installed, 'dist/index.js'), index)
  await writeFile(join(installed, 'dist/index.d.ts'), index)
  await writeFile(
    join(installed, 'package.json'),
    JSON.stringify({
      name: 'reprise',
      type: 'module',
      exports: {'.': './dist/index.js', './testing': './dist/testing.js'},
    }),
  )
  await writeFile(join(directory, 'package.json'), '{"type": "module"}')
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  return directory
}

describe('the adapter in docs/adapters.md', () => {
  test('is shorter than 80 lines', async () => {
    const [adapter = ''] = await codeBlocks()
    expect(adapter).toContain('class MapObjectStore')
    expect(adapter.trimEnd().split('\n').length).toBeLessThan(80)
  })

  test('compiles strictly and passes the suite under node’s own runner', async () => {
    const [adapter = '', suite = ''] = await codeBlocks()
    const directory = await project({'map-object-store.ts': adapter, 'conformance.test.ts': suite})
    await tsc(
      directory,
      '--strict',
      '--exactOptionalPropertyTypes',
      '--noUncheckedIndexedAccess',
      'conformance.test.ts',
    )
    const {stdout} = await run(process.execPath, ['--test', '--test-reporter=tap', 'conformance.test.js'], {
      cwd: directory,
    })
    expect(stdout).toMatch(new RegExp(`^# pass ${conformanceCases().length}$`, 'm'))
    expect(stdout).toMatch(/^# fail 0$/m)
  }, 60_000)
})
