import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Command} from '@oclif/core/command'
import {Config} from '@oclif/core/config'
import type {Manifest, PJSON, Plugin} from '@oclif/core/interfaces'
import {ownArguments} from './output.js'

/**
 * oclif's configuration for one run. Where `argv` names a command, oclif gets to know that one alone: loading the plugins and
 * ordering all commands costs more than many a command. Help, completion and what is misspelt get them all.
 *
 * Plugins are those of our own package.json; what lies in the data directory, which may be a store, brings none.
 *
 * @param root the package's directory.
 */
export async function loadConfig(argv: readonly string[], root: string): Promise<Config> {
  const options = {root, userPlugins: false, devPlugins: false}
  const command = ownArguments(argv).includes('--help') ? undefined : namedCommand(argv, root)
  if (command === undefined) return Config.load(options)
  const plugin = pluginOf(command, root)
  return Config.load({...options, plugins: new Map([[plugin.name, plugin]])})
}

function namedCommand(argv: readonly string[], root: string): Command.Cached | undefined {
  const manifest = readJson(join(root, 'oclif.manifest.json')) as Manifest | undefined
  const commands = manifest?.commands ?? {}
  const id = [2, 1].map((words) => argv.slice(0, words).join(':')).find((words) => Object.hasOwn(commands, words))
  return id === undefined ? undefined : commands[id]
}

/** Our own package as oclif sees it, with this one command. */
function pluginOf(command: Command.Cached, root: string): Plugin {
  const pjson = readJson(join(root, 'package.json')) as PJSON | undefined
  if (pjson === undefined) throw new Error(`There is no package.json in ${root}.`)
  const {name, version} = pjson
  const {id, relativePath = []} = command
  const load = async (): Promise<Command.Class> => {
    const file = pathToFileURL(join(root, ...relativePath)).href
    const {default: loaded} = (await import(file)) as {readonly default: Command.Class}
    loaded.id = id
    return loaded
  }
  return {
    _base: '',
    alias: name,
    name,
    version,
    root,
    pjson,
    type: 'core',
    moduleType: 'module',
    isRoot: true,
    hasManifest: true,
    valid: true,
    options: {root},
    hooks: {},
    topics: [],
    commandsDir: undefined,
    commandIDs: [id],
    commands: [{...command, load}],
    findCommand: load,
    load: async () => {},
  }
}

/** @returns undefined when the file is not there, or is no JSON: oclif then says what it thinks of it. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
