// Builds dist/ and oclif.manifest.json.
//   --if-stale   only when a source is newer than the last build
import {spawnSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {bundle} from './bundle.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const next = join(root, '.cache', `dist-${process.pid}`)
const modules = join(root, '.cache', `modules-${process.pid}`)
const stamp = join(root, '.cache', 'built')
const manifest = join(root, 'oclif.manifest.json')

if (!process.argv.includes('--if-stale') || isStale()) await build()

async function build() {
  const startedAt = new Date()
  // Beside the old one and then in its place: a build that fails leaves what was there.
  node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', modules, '--declarationDir', next])
  await bundle(modules, next).catch((error) => fail(String(error)))
  rmSync(modules, {recursive: true})
  rmSync(dist, {recursive: true, force: true})
  renameSync(next, dist)
  // oclif would read the commands from the manifest that it is to write.
  rmSync(manifest, {force: true})
  node(['node_modules/oclif/bin/run.js', 'manifest'], {NODE_ENV: 'production'})
  writeFileSync(stamp, startedAt.toISOString())
}

/** A source that was changed, added or removed (its directory is newer) since the last build. */
function isStale() {
  if (!existsSync(dist) || !existsSync(stamp) || !existsSync(manifest)) return true
  const built = Date.parse(readFileSync(stamp, 'utf8'))
  const inputs = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.js',
    'scripts/bundle.js',
    'src',
  ]
  for (const entry of readdirSync(join(root, 'src'), {recursive: true})) inputs.push(join('src', entry))
  return inputs.some((path) => statSync(join(root, path)).mtimeMs > built)
}

function node(args, env = {}) {
  const {status, stdout, stderr} = spawnSync(process.execPath, args, {
    cwd: root,
    env: {...process.env, ...env},
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) fail(`${args.join(' ')} failed:\n${stdout}${stderr}`)
}

function fail(message) {
  for (const directory of [next, modules]) rmSync(directory, {recursive: true, force: true})
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
