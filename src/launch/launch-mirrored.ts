import type {Clock} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import type {Observer} from '../metrics/observer.js'
import type {SessionLease} from '../registry/session-lease.js'
import type {Mirror, MirrorReport} from '../sync/mirror.js'
import {type ChildEnd, launchClaude, type LaunchOptions} from './child.js'
import {isPrintMode} from './interactive.js'
import type {LaunchPlan} from './plan.js'

/** How long a store that does not answer may hold up the end of a session that nobody interrupted. */
const PATIENCE_MS = 60_000
/** For the answer that is on its way. */
const LAST_MOMENT_MS = 500

export interface MirroredLaunch {
  readonly end: ChildEnd
  readonly report: MirrorReport
}

export interface MirroredLaunchOptions extends Omit<LaunchOptions, 'signal'> {
  /** One line for the person at the terminal, on stderr. */
  readonly inform: (line: string) => void
  /** Called right before claude is started: from here on a signal must not end this process before its work is stored. What it throws keeps claude from being started. */
  readonly onStart?: () => Promise<void>
  readonly observe?: Observer | undefined
}

/**
 * Runs a claude while its session is mirrored, and stores the rest before it returns. The lease is given back when everything of it
 * was answered, else left to expire.
 */
export async function launchMirrored(
  plan: LaunchPlan,
  lease: SessionLease | undefined,
  mirror: Mirror,
  options: MirroredLaunchOptions,
): Promise<MirroredLaunch> {
  const lost = new AbortController()
  const onLost = (error: RepriseError): void => {
    options.inform(`${error.message}: from now on nothing of this session is stored`)
    // Whoever talks to it at a terminal decides for themselves; a program that only waits for the answer must not go on.
    if (isPrintMode(plan.argv.slice(1))) lost.abort()
  }
  let end: ChildEnd
  try {
    await options.onStart?.()
    const child = await launchClaude(plan, {...options, signal: lost.signal})
    mirror.start(onLost)
    end = await child.ended
  } catch (error) {
    await mirror.finish(AbortSignal.abort())
    throw error
  }
  const report = await finish(mirror, end, options)
  if (report.complete && mirror.clean) await lease?.release().catch(() => undefined)
  return {end, report}
}

async function finish(mirror: Mirror, {received}: ChildEnd, options: MirroredLaunchOptions): Promise<MirrorReport> {
  const {clock, graceMs, observe} = options
  const begun = clock.now()
  const before = mirror.stored
  const impatient = new AbortController()
  const done = new AbortController()
  const limit = received === 'SIGTERM' || received === 'SIGHUP' ? graceMs : PATIENCE_MS
  const giveUp = clock.sleep(limit, done.signal).then(
    () => impatient.abort(),
    () => undefined,
  )
  const interrupt = (): void => impatient.abort()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt)
  try {
    const report = await Promise.race([mirror.finish(impatient.signal), outOfTime(impatient.signal, clock)])
    observe?.({
      type: 'flush',
      durationMs: clock.now() - begun,
      pendingBytes: mirror.stored.bytes - before.bytes,
      pendingEntries: mirror.stored.entries - before.entries,
      complete: report.complete,
    })
    return report
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(name, interrupt)
    done.abort()
    await giveUp
  }
}

/** A request that hangs is not waited for: what it was to store is said to be missing. */
async function outOfTime(signal: AbortSignal, clock: Clock): Promise<MirrorReport> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, {once: true}))
  await clock.sleep(LAST_MOMENT_MS)
  const error = new RepriseError({
    kind: 'unreachable',
    code: 'SYNC_INCOMPLETE',
    message: 'the store did not take the rest in time',
    suggestions: ['Store it from this machine later: reprise push'],
  })
  return {bytes: 0, parts: 0, entries: 0, complete: false, error}
}
