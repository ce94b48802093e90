import {posix} from 'node:path'
import {isSessionId} from '../transcript/session-id.js'
import {parseObject} from '../transcript/entry-identity.js'
import {plainText} from '../transcript/plain-text.js'

/** A transcript that moved often names some; more than this is no work of Claude's. */
const MOST_DIRECTORIES = 8
const LONGEST_PATH = 1024
/** Claude cuts an output at some 30 KB before it names the file with the rest. */
const LONGEST_LINE = 4 * 1024 * 1024

/**
 * Gathers, while a transcript is read, the directories in which it says that large outputs lie. They were written by whoever
 * may write the session: they are shown to the model, which reads the transcript anyway, and nothing is ever opened there.
 */
export class ToolResultsNames {
  readonly #directories = new Set<string>()

  /** Absolute POSIX paths that end in `/{session id}/tool-results`, in the order of their first mention. */
  get directories(): readonly string[] {
    return [...this.#directories]
  }

  /** Takes any line and never throws. */
  observe(line: Uint8Array): void {
    if (this.#directories.size >= MOST_DIRECTORIES || line.byteLength > LONGEST_LINE) return
    const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
    if (!bytes.includes('"persistedOutputPath"')) return
    const result = parseObject(bytes)?.['toolUseResult']
    if (typeof result !== 'object' || result === null || !('persistedOutputPath' in result)) return
    const directory = directoryOf(result.persistedOutputPath)
    if (directory !== undefined) this.#directories.add(directory)
  }
}

function directoryOf(path: unknown): string | undefined {
  if (typeof path !== 'string' || path.length > LONGEST_PATH || !path.startsWith('/')) return
  // One line of printable text, and the shortest way to say it.
  if (plainText(path, LONGEST_PATH) !== path || posix.normalize(path) !== path) return
  const [, directory, sessionId = ''] = /^(\/.+\/([^/]+)\/tool-results)\/[^/]/.exec(path) ?? []
  return isSessionId(sessionId) ? directory : undefined
}
