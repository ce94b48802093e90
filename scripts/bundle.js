// Makes few files of the many modules that tsc emits: Node takes longer to find and link a hundred small files than to read
// a large one. Dependencies stay outside, but for what every command needs at once. Names stay as they are, for stack traces.
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join, sep} from 'node:path'
import {fileURLToPath} from 'node:url'
import {rolldown} from 'rolldown'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const {dependencies, peerDependencies} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const packages = Object.keys({...dependencies, ...peerDependencies})

/** What is imported by its name: by users, by oclif and `bin/run.js`, and by the commands that tests bring along. */
const ENTRIES = ['index', 'testing', 'cli/main', 'cli/base-command', 'cli/flags', 'cli/confirm', 'base/errors']

/** One file each, with all that they import: what every command needs up to a listing, and what sessions are moved with. */
const CORE =
  /\/(?:cli\/(?:base-command|list-sessions|main|open-store)|layouts\/(?:detect|directory-tree|reprise-source)|object-store\/file\/file-object-store)\.js$/u
const SESSIONS = /\/(?:registry|store|sync|transcript)\/[^/]+\.js$/u

const INLINED = ['p-map', '@oclif/core/args', '@oclif/core/flags', '@oclif/core/parser']
const OCLIF = join('@oclif', 'core', 'lib', sep)
/** What oclif's parser asks for on failure alone is left where it is installed. */
const OCLIF_OUTSIDE = /[/\\]lib[/\\](?<room>errors|help|logger|ux)(?:[/\\]index)?\.js$/u

/**
 * @param {string} from the directory of the modules
 * @param {string} into
 */
export async function bundle(from, into) {
  const commands = readdirSync(join(from, 'commands'), {recursive: true}).filter((file) => file.endsWith('.js'))
  const entries = [...ENTRIES, ...commands.map((file) => join('commands', file.slice(0, -'.js'.length)))]
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry, join(from, `${entry}.js`)])),
    platform: 'node',
    plugins: [outside, lazyOclif],
    // The library imports at once what the command line imports when it is used.
    checks: {ineffectiveDynamicImport: false},
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const {output} = await build.write({
    dir: into,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    minifyInternalExports: false,
    comments: false,
    codeSplitting: {
      groups: [
        {name: 'core', test: CORE, priority: 1},
        {name: 'sessions', test: SESSIONS},
      ],
    },
  })
  await build.close()
  writeFileSync(join(into, 'licenses.txt'), licensesOf(output.flatMap((chunk) => chunk.moduleIds ?? [])))
}

const outside = {
  name: 'outside',
  async resolveId(id, importer, options) {
    if (importer?.includes(OCLIF) && id.startsWith('.')) {
      const file = (await this.resolve(id, importer, {...options, skipSelf: true}))?.id ?? ''
      const room = OCLIF_OUTSIDE.exec(file)?.groups?.room
      return room === undefined ? undefined : {id: `@oclif/core/${room}`, external: true}
    }
    const isDependency = packages.some((name) => id === name || id.startsWith(`${name}/`))
    return isDependency && !INLINED.includes(id) ? {id, external: true} : undefined
  },
}

/** Its modules require at their heads what seldom is used: required where it is used, it seldom is loaded. */
const lazyOclif = {
  name: 'lazy-oclif',
  transform(code, id) {
    if (!id.includes(OCLIF)) return undefined
    const names = []
    const loaders = code.replaceAll(/^const (\w+_1) = (.*\brequire\("[^"]+"\)+);$/gmu, (_, name, value) => {
      names.push(name)
      return `const load_${name} = () => ${value};`
    })
    return names.reduce(
      (text, name) => text.replaceAll(new RegExp(String.raw`\b${name}(?=\.)`, 'gu'), `(load_${name}())`),
      loaders,
    )
  },
}

/** The licenses of what was inlined, as they ask for. */
function licensesOf(modules) {
  const directories = modules.flatMap((id) => /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/u.exec(id)?.[0] ?? [])
  return [...new Set(directories)]
    .toSorted((a, b) => a.localeCompare(b))
    .map((directory) => {
      const {name, version} = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
      const file = ['license', 'LICENSE', 'LICENSE.md'].find((each) => existsSync(join(directory, each)))
      if (file === undefined) throw new Error(`${name} has no license that could go with it.`)
      return `Parts of ${name} ${version} are in these files. Its license:\n\n${readFileSync(join(directory, file), 'utf8')}`
    })
    .join('\n\n')
}
