import {FollowedSession} from '../inspect/follow-session.js'
import {FollowedBytes} from '../inspect/raw-lines.js'
import type {SessionOrigin} from '../inspect/session-origin.js'
import {EventLog} from '../transcript/conversation/events.js'
import {PREVIEW, WHOLE} from '../transcript/conversation/limits.js'
import {eventJson, EventText} from '../view/conversation/event-text.js'
import type {TextOptions} from '../view/conversation/style.js'
import {lastLines} from './raw-output.js'
import type {Runtime} from './runtime.js'
import {writeOut} from './standard-output.js'

/** Each look at a store is a LIST, which costs something. */
const PAUSE_MS = {store: 2000, local: 500} as const

export interface FollowOptions extends TextOptions {
  /** Of what is there already the last so many turns, or lines; all where it is not given. */
  readonly tail: number | undefined
  /** Tells one event, as text or as a line of NDJSON. */
  emit(json: unknown, text: () => string): Promise<void>
}

/** Tells what is said and done in a session as it comes, until the run is stopped. Never resolves. */
export async function followOut(runtime: Runtime, origin: SessionOrigin, options: FollowOptions): Promise<void> {
  const {json} = runtime.settings
  const followed = new FollowedSession(origin, options.full || json ? WHOLE : PREVIEW)
  const log = new EventLog()
  const text = new EventText(options)
  let {tail} = options
  for (;;) {
    const now = await followed.look()
    const from = tail === undefined || !now ? 1 : Math.max(1, now.turns.length - tail + 1)
    for (const event of now ? log.take(now, from) : []) {
      runtime.signal.throwIfAborted()
      const line = eventJson(event)
      if (!json || line) await options.emit(line, () => text.text(event))
    }
    if (now) tail = undefined
    await pause(runtime, origin)
  }
}

/** The same of bare lines. */
export async function followRaw(runtime: Runtime, origin: SessionOrigin, tail: number | undefined): Promise<void> {
  const [main] = await origin.transcripts()
  let given = 0
  const counted = async function* () {
    for await (const chunk of main?.read() ?? []) {
      given += chunk.length
      yield chunk
    }
  }
  const chunks = tail === undefined ? counted() : lastLines(counted(), tail)
  for await (const chunk of chunks) await writeOut(process.stdout, chunk)
  const followed = new FollowedBytes(origin, given)
  for (;;) {
    for await (const chunk of followed.look()) await writeOut(process.stdout, chunk)
    await pause(runtime, origin)
  }
}

async function pause({clock, signal}: Runtime, {source}: SessionOrigin): Promise<void> {
  await clock.sleep(PAUSE_MS[source], signal)
  signal.throwIfAborted()
}
