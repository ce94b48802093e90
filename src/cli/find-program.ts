import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Manifest} from '@oclif/core/interfaces'
import type {BaseCommand} from './base-command.js'
import {ownArguments} from './output.js'

type Command = typeof BaseCommand & (new (argv: string[]) => BaseCommand)

/** What a command line asks for. */
export interface Program {
  /** What to call it in a next step. */
  readonly bin: string
  /** The commands that were looked through, which are all of them where none was named. */
  readonly commandIDs: readonly string[]
  run(): Promise<unknown>
}

/**
 * A command of ours that is named is run as it is. oclif itself, which takes longer to load than many a command to run, is
 * there for what needs all commands: help, completion, names that are misspelt.
 *
 * @param root the package's directory.
 */
export async function findProgram(argv: readonly string[], root: string): Promise<Program> {
  const named = ownArguments(argv).includes('--help') ? undefined : findCommand(argv, root)
  if (named !== undefined) return named
  const [{Config}, {run}] = await Promise.all([import('@oclif/core/config'), import('@oclif/core/run')])
  // Plugins are those of our own package.json: what lies in the data directory, which may be a store, brings none.
  const config = await Config.load({root, userPlugins: false, devPlugins: false})
  return {bin: config.bin, commandIDs: config.commandIDs, run: async () => run([...argv], config)}
}

function findCommand(argv: readonly string[], root: string): Program | undefined {
  const commands = readManifest(root)?.commands ?? {}
  const words = [2, 1].find((count) => Object.hasOwn(commands, argv.slice(0, count).join(':'))) ?? 0
  const id = argv.slice(0, words).join(':')
  const command = commands[id]
  const [next, ...more] = argv.slice(words)
  if (command?.relativePath === undefined) return undefined
  // A word after a command that takes none is meant as a part of its name.
  const takesWords = Object.keys(command.args).length > 0 || command.strict === false
  if (next !== undefined && !next.startsWith('-') && !takesWords) return undefined
  const file = pathToFileURL(join(root, ...command.relativePath)).href
  return {
    bin: 'reprise',
    commandIDs: [id],
    async run() {
      const {default: loaded} = (await import(file)) as {readonly default: Command}
      loaded.id = id
      return loaded.run(next === undefined ? [] : [next, ...more])
    },
  }
}

/** @returns undefined when there is none, or it is no JSON: oclif then says what it thinks of it. */
function readManifest(root: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as Manifest
  } catch {
    return undefined
  }
}
