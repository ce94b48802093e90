// Adds to package-lock.json what npm leaves out of it where a registry does not carry the binaries of every platform:
// `npm ci` refuses a lock file without them ("Missing: …@ from lock file"), on this platform and on theirs. To be run after each
// change of dependencies; changes nothing where nothing is missing.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(path, 'utf8'))

for (const [parent, {dev, optionalDependencies = {}}] of Object.entries(lock.packages)) {
  if (parent === '') continue
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const known = [`node_modules/${name}`, `${parent}/node_modules/${name}`].some((key) => key in lock.packages)
    const platform = known ? undefined : platformOf(name)
    if (platform === undefined || !/^\d+\.\d+\.\d+$/u.test(version)) continue
    lock.packages[`node_modules/${name}`] = {version, ...(dev ? {dev} : {}), optional: true, ...platform}
  }
}

const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1))
writeFileSync(path, `${JSON.stringify({...lock, packages: Object.fromEntries(sorted)}, null, 2)}\n`)

/** `…/binding-linux-x64-musl`: such names say what the package's own description would. */
function platformOf(name) {
  const pattern = /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>[a-z0-9]+)(?:-(?<abi>[a-z]+))?$/u
  const {os, cpu, abi = ''} = pattern.exec(name)?.groups ?? {}
  if (os === undefined) return undefined
  const libc = abi.startsWith('musl') ? ['musl'] : abi.startsWith('gnu') ? ['glibc'] : undefined
  return {os: [os], cpu: [cpu], ...(libc ? {libc} : {})}
}
