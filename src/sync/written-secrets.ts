import {discoverSessions} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import {createSecretScanner, type SecretScanner} from './secrets.js'

type SessionPlace = Pick<SyncContext, 'configDir' | 'uid' | 'logger'>

/** Lines that look as if they held a secret, by the name of the rule that says so. */
export type SecretCounts = ReadonlyMap<string, number>

/**
 * Looks for secrets in what is written of a session from now on, when it is too late to hold it back: a mirror stores while it is
 * written.
 *
 * @returns tells what was found until the call. Never rejects.
 */
export async function watchForSecrets(
  context: SessionPlace,
  session: {readonly sessionId: string; readonly projectKey: string},
): Promise<() => Promise<SecretCounts>> {
  const before = new Map((await filesOf(context, session)).map((file) => [file.path, file]))
  return async () => {
    const counts = new Map<string, number>()
    try {
      const scanner = await createSecretScanner()
      for (const file of await filesOf(context, session)) {
        await count(scanner, context, file, startOf(file, before.get(file.path)), counts)
      }
    } catch (error) {
      context.logger.warn('not all that was written was looked at for secrets', {reason: String(error)})
    }
    return counts
  }
}

async function filesOf(
  {configDir}: SessionPlace,
  options: {readonly sessionId: string; readonly projectKey: string},
): Promise<readonly LocalFile[]> {
  const {sessions} = await discoverSessions(configDir, options)
  return sessions.flatMap(({main, subagents, toolResults, fileHistory}) => [
    ...(main ? [main] : []),
    ...subagents.map(({transcript}) => transcript),
    ...toolResults,
    ...fileHistory,
  ])
}

/** A file that was rewritten is looked at from its beginning. */
function startOf(file: LocalFile, before: LocalFile | undefined): number {
  if (!before || before.ino !== file.ino || before.size > file.size) return 0
  return before.size
}

async function count(
  scanner: SecretScanner,
  {uid}: SessionPlace,
  {path, size}: LocalFile,
  start: number,
  counts: Map<string, number>,
): Promise<void> {
  if (start >= size) return
  const {handle} = await openPlainFile(path, {owner: uid})
  try {
    const chunks = handle.createReadStream({start, end: size - 1, autoClose: false})
    const {findings} = await scanner.scan(chunks, {file: path, firstLine: 1})
    for (const {rule} of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  } finally {
    await handle.close()
  }
}
