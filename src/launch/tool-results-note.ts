import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {makeDirectories} from '../base/make-directories.js'
import type {LaunchPlan} from './plan.js'
import {addSessionStartHook, type ClaudeSettings, readSettings, settingsFlag} from './settings-argument.js'
import {singleQuoted} from './shell-quote.js'

export interface NoteOptions {
  /** Where the transcript says that large outputs lie (`ToolResultsNames`). */
  readonly named: readonly string[]
  /** Where they lie on this worker, absolute: `projects/{key of the cwd}/{session id}/tool-results`. */
  readonly current: string
  /** An absolute directory of the user's, in which a private one is made; it need not be there. */
  readonly stateDirectory: string
}

export interface NotedPlan {
  readonly plan: LaunchPlan
  /**
   * Why the note is left out. `settings`: the user's own `--settings` could not be read, and goes before it. `state`: there is no
   * place to write it to.
   */
  readonly leftOut?: 'settings' | 'state'
  /** Removes what was written. After claude has ended. Idempotent. */
  dispose(): Promise<void>
}

/**
 * Tells the model where the outputs are that the transcript names by another worker's paths, by a hook of claude's own
 * (docs/decisions/0003-tool-results-after-a-move.md). The plan stays as it is where no outputs came along, or all are named by
 * the path that they have here.
 */
export async function withToolResultsNote(plan: LaunchPlan, options: NoteOptions): Promise<NotedPlan> {
  const {named, current, stateDirectory} = options
  const gone = named.filter((directory) => directory !== current)
  if (gone.length === 0 || !(await hasFiles(current))) return {plan, dispose: async () => {}}
  const flag = settingsFlag(plan.argv.slice(1))
  const theirs = flag === undefined ? {} : await readSettings(flag.value ?? '', plan.cwd)
  const directory = await privateDirectory(stateDirectory).catch(() => undefined)
  if (directory === undefined) return {plan, leftOut: 'state', dispose: async () => {}}
  const dispose = async () => rm(directory, {recursive: true, force: true})
  try {
    const note = join(directory, 'note.txt')
    const merged = theirs && addSessionStartHook(theirs, hookThatTells(note))
    if (!merged) {
      await dispose()
      return {plan, leftOut: 'settings', dispose}
    }
    await writeFile(note, noteText(gone, current), {mode: 0o600})
    const settings = await writeSettings(directory, merged)
    return {plan: {...plan, argv: withSettings(plan.argv, flag?.index, flag?.length, settings)}, dispose}
  } catch (error) {
    await dispose()
    throw error
  }
}

async function privateDirectory(stateDirectory: string): Promise<string> {
  await makeDirectories(stateDirectory)
  return mkdtemp(join(stateDirectory, 'resume-'))
}

/** In a file, since an argument shows in the machine's list of processes, and settings may hold secrets. */
async function writeSettings(directory: string, settings: ClaudeSettings): Promise<string> {
  const path = join(directory, 'settings.json')
  await writeFile(path, `${JSON.stringify(settings)}\n`, {mode: 0o600})
  return path
}

function withSettings(
  [program, ...args]: LaunchPlan['argv'],
  index: number | undefined,
  length: number | undefined,
  settings: string,
): LaunchPlan['argv'] {
  if (index === undefined) return [program, '--settings', settings, ...args]
  return [program, ...args.slice(0, index), '--settings', settings, ...args.slice(index + (length ?? 1))]
}

/**
 * Builtins of the shell alone: a project's settings may give hooks another PATH. Forks are `resume` to older versions of
 * claude; after a compaction the note would be gone from the conversation.
 */
function hookThatTells(note: string): object {
  const command = String.raw`while IFS= read -r line; do printf '%s\n' "$line"; done < ${singleQuoted(note)}`
  return {matcher: 'resume|fork|compact', hooks: [{type: 'command', command, timeout: 10}]}
}

function noteText(gone: readonly string[], current: string): string {
  return [
    'This conversation was moved here from another machine. Tool outputs that were too large for it, and were saved to files,',
    'were moved along. Where it names a file in one of these directories, which cannot be read here:',
    ...gone.map((directory) => `  ${directory}`),
    'read the file of the same name in this directory instead:',
    `  ${current}`,
    '',
  ].join('\n')
}

async function hasFiles(directory: string): Promise<boolean> {
  return (await readdir(directory).catch(() => [])).length > 0
}
