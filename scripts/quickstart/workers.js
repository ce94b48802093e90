// Two machines on one: a home and a project directory each, and a directory in place of a bucket.
import {existsSync} from 'node:fs'
import {mkdir, readdir, readFile, symlink} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {startModelServer} from '../../test/support/model-server.js'
import {StepFailed} from './stage.js'

/** The claude that the development dependency brings; undefined where there is none for the platform. */
export function findClaude() {
  try {
    const sdk = dirname(createRequire(import.meta.url).resolve('@anthropic-ai/claude-agent-sdk'))
    const path = join(sdk, '..', `claude-agent-sdk-${process.platform}-${process.arch}`, 'claude')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** Nothing of the environment that this script runs in reaches a worker. */
export async function makeWorker(name, {root, project, store, claude}) {
  const home = join(root, name)
  const cwd = join(home, project)
  const bin = join(home, 'bin')
  await mkdir(cwd, {recursive: true})
  await mkdir(bin)
  if (claude !== undefined) await symlink(claude, join(bin, 'claude'))
  const model = await startModelServer()
  const env = {
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    NO_COLOR: '1',
    REPRISE_STORE: store,
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'loopback',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
  }
  return {name, home, cwd, env, model, projects: join(home, '.claude', 'projects')}
}

/** Every file of a directory with its content, by its path below it. */
export async function filesBelow(directory) {
  const entries = await readdir(directory, {recursive: true, withFileTypes: true}).catch(() => [])
  const files = new Map()
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    // One that has gone since the look at the directory was temporary.
    const bytes = await readFile(path).catch(() => undefined)
    if (bytes) files.set(path.slice(directory.length + 1), bytes)
  }
  return files
}

/** The transcripts of a worker's one project, by their path below it. */
export async function transcriptsOf({projects}) {
  const files = [...(await filesBelow(projects))].filter(([path]) => path.endsWith('.jsonl'))
  return new Map(files.map(([path, bytes]) => [path.slice(path.indexOf('/') + 1), bytes]))
}

/** Waits until some file of the store holds a text. */
export async function untilStored(store, text, timeoutMs = 20_000) {
  for (const end = Date.now() + timeoutMs; Date.now() < end;) {
    const files = await filesBelow(store)
    if ([...files].some(([path, bytes]) => !path.startsWith(join('.reprise', 'tmp')) && bytes.includes(text))) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new StepFailed(`${JSON.stringify(text)} did not get into the store.`)
}

export function areEqual(some, others) {
  return some.size === others.size && [...some].every(([name, bytes]) => others.get(name)?.equals(bytes))
}
