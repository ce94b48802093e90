// Proves that the package which `npm pack` makes works for those who install it: into an empty prefix, without scripts,
// without development dependencies; the command runs, the library can be imported, and nothing needless is in it.
import {spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const {version, exports} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const ALLOWED =
  /^(?:bin\/run\.js|dist\/(?:.+\.(?:js|d\.ts)|licenses\.txt)|docs\/.+\.md|examples\/.+\.js|oclif\.manifest\.json|package\.json|LICENSE|README\.md)$/u

const scratch = mkdtempSync(join(tmpdir(), 'reprise-pack-'))
process.on('exit', () => rmSync(scratch, {recursive: true, force: true}))

run(process.execPath, [join(root, 'scripts/build.js'), '--if-stale'], {cwd: root})
const [packed] = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], {cwd: root}))
const needless = packed.files.map((file) => file.path).filter((path) => !ALLOWED.test(path))
if (needless.length > 0) fail(`The package holds what nobody needs:\n  ${needless.join('\n  ')}`)

const prefix = join(scratch, 'prefix')
const tarball = join(scratch, packed.filename)
npm([
  'install',
  '--global',
  '--prefix',
  prefix,
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
  tarball,
])

const command = join(prefix, 'bin', 'reprise')
expectOutput(run(command, ['--version']), `reprise/${version} `)
expectOutput(run(command, ['--help']), 'USAGE')
for (const entry of Object.keys(exports).filter((path) => !path.endsWith('.json'))) {
  const name = join('reprise', entry)
  const code = `const all = await import(${JSON.stringify(name)}); console.log(Object.keys(all).length > 0)`
  expectOutput(run(process.execPath, ['--input-type=module', '-e', code], {cwd: join(prefix, 'lib')}), 'true')
}
console.log(
  `${packed.filename}: ${packed.entryCount} files, ${Math.round(packed.unpackedSize / 1024)} KiB; installs and runs`,
)

/** npm as it is set up here. With a prefix of its own it would look for the machine's settings (registry, certificates) there. */
function npm(args, options = {}) {
  const globalconfig = run('npm', ['config', 'get', 'globalconfig'], {env: process.env}).trim()
  return run('npm', args, {env: {...process.env, npm_config_globalconfig: globalconfig}, ...options})
}

/** By default as on a fresh machine: a home of its own, no variable but PATH. */
function run(program, args, options = {}) {
  const {status, stdout, stderr, error} = spawnSync(program, args, {
    cwd: scratch,
    env: {PATH: process.env.PATH, HOME: scratch},
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
    ...options,
  })
  if (status !== 0) fail(`${program} ${args.join(' ')}: exit ${status} ${error?.message ?? ''}\n${stdout}${stderr}`)
  return stdout
}

function expectOutput(output, expected) {
  if (!output.includes(expected)) fail(`${JSON.stringify(expected)} was expected in:\n${output}`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
