import {type RepriseError, toRepriseError} from '../base/errors.js'
import {MirrorMeter} from '../metrics/mirror-meter.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {CompactionsBehind} from './compact-behind.js'
import type {SyncContext} from './context.js'
import type {MirrorStep} from './mirror-transcript.js'
import type {Mirror, MirrorReport} from './mirror.js'
import type {MirrorOptions} from './mirrored-session.js'
import {pushSession} from './push-session.js'

const LOOK_EVERY_MS = 1_000

/**
 * Stores a growing session by pushing it again and again, for stores that cannot keep a lease. What another worker writes meanwhile
 * is not lost, but it is not noticed either: both go on, and the session branches.
 */
export class UnleasedMirror implements Mirror {
  readonly clean = true
  readonly #context: SyncContext
  readonly #sessionId: string
  readonly #options: MirrorOptions
  readonly #meter: MirrorMeter
  readonly #behind: CompactionsBehind
  readonly #stopping = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  #pushed = ''
  #sum = {bytes: 0, parts: 0, entries: 0}

  constructor(context: SyncContext, sessionId: string, options: MirrorOptions) {
    this.#context = context
    this.#sessionId = sessionId
    this.#options = options
    this.#behind = new CompactionsBehind(context)
    const {clock, observe = () => undefined} = context
    this.#meter = new MirrorMeter({clock, observe, projectKey: options.projectKey, sessionId})
  }

  get stored(): MirrorStep {
    return this.#sum
  }

  start(): void {
    this.#loop = this.#follow()
  }

  async finish(signal?: AbortSignal): Promise<MirrorReport> {
    this.#stopping.abort()
    await this.#loop
    let error: RepriseError | undefined
    for (let pause = 250; ; pause = Math.min(pause * 2, 4_000)) {
      try {
        await this.#push()
        await this.#behind.finish(signal)
        return {...this.#sum, complete: true}
      } catch (cause) {
        error = toRepriseError(cause)
        this.#meter.failed(error)
      }
      if (signal?.aborted || error.kind !== 'unreachable') break
      await this.#context.clock.sleep(pause, signal).catch(() => undefined)
    }
    this.#behind[Symbol.dispose]()
    return {...this.#sum, complete: false, error}
  }

  async #follow(): Promise<void> {
    const {clock, logger} = this.#context
    const {signal} = this.#stopping
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      await this.#push().catch((error: unknown) => {
        this.#meter.failed(error)
        logger.warn('pushing failed', {code: toRepriseError(error).code})
      })
    }
  }

  async #push(): Promise<void> {
    const {projectKey, labels} = this.#options
    const {sessions} = await discoverSessions(this.#context.configDir, {sessionId: this.#sessionId, projectKey})
    const [session] = sessions
    if (!session || stampOf(session) === this.#pushed) return
    const {bytes, parts, entries} = await this.#meter.look(undefined, lastChange(session), async () => {
      const {bytesUploaded, partsCreated, ...pushed} = await pushSession(this.#context, session, {
        ...labels,
        behind: this.#behind,
      })
      return {bytes: bytesUploaded, parts: partsCreated, entries: pushed.entries}
    })
    this.#pushed = stampOf(session)
    if (session.main && entries > 0 && this.#sum.entries === 0) this.#options.onStored?.()
    this.#sum = {
      bytes: this.#sum.bytes + bytes,
      parts: this.#sum.parts + parts,
      entries: this.#sum.entries + entries,
    }
  }
}

/** Changes when any of the session's files does. */
function stampOf(session: LocalSession): string {
  return filesOf(session)
    .map((file) => (file ? `${file.path}:${file.size}:${file.mtimeMs}` : ''))
    .join('\n')
}

function lastChange(session: LocalSession): number {
  return Math.max(...filesOf(session).map((file) => file?.mtimeMs ?? 0))
}

function filesOf({main, subagents, toolResults, fileHistory}: LocalSession): readonly (LocalFile | undefined)[] {
  return [main, ...subagents.flatMap(({transcript, meta}) => [transcript, meta]), ...toolResults, ...fileHistory]
}
