// Makes a clean clone ready: installs the locked dependencies when they are missing or others than the lock file names.
// Says nothing and does nothing when all is there. Nothing but Node and npm is needed, no variable but PATH and HOME.
import {spawnSync} from 'node:child_process'
import {existsSync, readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

if (!isInstalled()) {
  process.stderr.write('Installing the locked dependencies (npm ci --ignore-scripts) …\n')
  // Where NODE_ENV is production, npm would leave out what the tests need.
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
  ]
  const {status, error} = spawnSync('npm', args, {cwd: root, stdio: ['ignore', 2, 2]})
  if (error) process.stderr.write(`npm cannot be started: ${error.message}\n`)
  if (status !== 0) process.exit(status ?? 1)
}

/**
 * npm keeps what it has installed in a lock file of its own; it may lack optional packages of other platforms, and says
 * nothing of the project itself.
 */
function isInstalled() {
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'))
  const wanted = packagesIn(join(root, 'package-lock.json'))
  if (installed === undefined || wanted === undefined) return false
  // What lies there beside is harmless.
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true
    const present = installed[path]
    return present === undefined ? entry.optional === true : present.version === entry.version
  })
}

function packagesIn(path) {
  if (!existsSync(path)) return undefined
  return JSON.parse(readFileSync(path, 'utf8')).packages
}
