import {execFile} from 'node:child_process'
import {constants} from 'node:fs'
import {access, realpath, stat} from 'node:fs/promises'
import {basename, delimiter, dirname, isAbsolute, join, resolve, sep} from 'node:path'
import {promisify} from 'node:util'
import {RepriseError} from '../base/errors.js'

export interface ClaudeSearch {
  /** As the user named it: a path, or a bare name to look for on PATH. Undefined: `claude` on PATH. */
  readonly bin?: string | undefined
  /** The value of `PATH`. */
  readonly path: string | undefined
  /** The project directory, absolute: nothing in or below it is run unless named by a path. */
  readonly cwd: string
  /** Where a relative `bin` begins. */
  readonly workingDirectory: string
}

/** What programs of an agent are called, and what to do where there is none. */
interface Agent {
  readonly name: string
  readonly code: 'CLAUDE_NOT_FOUND' | 'CODEX_NOT_FOUND'
  /** How else to name the program. */
  readonly another: string
  readonly install: string
  /** For the one that lies in the project. */
  readonly takeIt: (program: string) => string
}

const CLAUDE: Agent = {
  name: 'claude',
  code: 'CLAUDE_NOT_FOUND',
  another: 'Name another one: --claude-bin /path/to/claude',
  install: 'Install Claude Code on this machine, or name it: --claude-bin /path/to/claude',
  takeIt: (program) => `A project does not choose what runs. If this is the one you mean: --claude-bin ${program}`,
}

const CODEX: Agent = {
  name: 'codex',
  code: 'CODEX_NOT_FOUND',
  another: 'Put the directory of another one on PATH.',
  install: 'Install Codex on this machine: npm install -g @openai/codex',
  takeIt: () => 'A project does not choose what runs. Install Codex outside of it.',
}

/**
 * The program to run, absolute. A cloned repository must not choose it: entries of PATH that are relative (or empty), that
 * lie in or below the project directory, directly or through a link, or that a package manager put there for one of its
 * parents (`…/node_modules/.bin`) are passed over.
 *
 * @throws CLAUDE_NOT_FOUND, kind `usage` (exit 2): this machine lacks a program. Exit 3 stays what callers take it for: there
 *   is no such session.
 */
export async function findClaude(search: ClaudeSearch): Promise<string> {
  return findProgram(CLAUDE, search)
}

/** The same for Codex. @throws CODEX_NOT_FOUND */
export async function findCodex(search: Omit<ClaudeSearch, 'bin'>): Promise<string> {
  return findProgram(CODEX, search)
}

async function findProgram(agent: Agent, {bin, path, cwd, workingDirectory}: ClaudeSearch): Promise<string> {
  if (bin !== undefined && bin.includes(sep)) {
    const named = resolve(workingDirectory, bin)
    if (await isProgram(named)) return named
    throw notFound(agent, `${named} is no program that this user may run.`, agent.another)
  }
  const name = bin ?? agent.name
  const passedOver: string[] = []
  for (const directory of new Set((path ?? '').split(delimiter))) {
    if (!isAbsolute(directory)) continue
    const candidate = join(directory, name)
    if (!(await isProgram(candidate))) continue
    if (!(await isOfProject(candidate, cwd))) return candidate
    passedOver.push(candidate)
  }
  const [first] = passedOver
  if (first === undefined) throw notFound(agent, `There is no ${JSON.stringify(name)} on PATH.`, agent.install)
  throw notFound(agent, `The only ${JSON.stringify(name)} on PATH lies in the project: ${first}.`, agent.takeIt(first))
}

/** e.g. `2.1.329`; undefined when the program does not say. It is started for that, away from the project. */
export async function claudeVersion(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const options = {cwd: dirname(program), env: {...env}, timeout: 10_000, killSignal: 'SIGKILL'} as const
  const {stdout} = await promisify(execFile)(program, ['--version'], options).catch(() => ({stdout: ''}))
  return /^(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1]
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

async function isOfProject(candidate: string, cwd: string): Promise<boolean> {
  const roots = new Set([resolve(cwd), await real(cwd)])
  const faces = new Set([candidate, await real(candidate), join(await real(dirname(candidate)), basename(candidate))])
  return [...faces].some((face) => [...roots].some((root) => isBelow(face, root) || isOfPackages(face, root)))
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

/** `npx` and `npm run` put the programs of every directory above the current one on PATH. */
function isOfPackages(path: string, root: string): boolean {
  const directory = dirname(path)
  const owner = dirname(dirname(directory))
  return directory === join(owner, 'node_modules', '.bin') && isBelow(root, owner)
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path))
}

function notFound({code}: Agent, message: string, suggestion: string): RepriseError {
  return new RepriseError({kind: 'usage', code, message, suggestions: [suggestion]})
}
