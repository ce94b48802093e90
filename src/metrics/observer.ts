import type {MirrorEvent} from './events.js'

/** Told of each event, in order, in the middle of the mirror's work: quick, and never waited for. */
export type Observer = (event: MirrorEvent) => void

/**
 * One observer for all of them. It never throws: an observer that throws, or answers with a promise that rejects, is told of no
 * event more.
 *
 * @param onBroken told once for each of those. Default: a warning of the process.
 */
export function combineObservers(
  observers: readonly (Observer | undefined)[],
  onBroken: (error: unknown) => void = warn,
): Observer {
  const sound = new Set(observers.filter((observer) => observer !== undefined))
  const drop = (observer: Observer, error: unknown): void => {
    if (sound.delete(observer)) onBroken(error)
  }
  return (event) => {
    for (const observer of sound) {
      try {
        // What is declared to return nothing may be an async function all the same.
        const answer: unknown = observer(event)
        if (answer instanceof Promise) answer.catch((error: unknown) => drop(observer, error))
      } catch (error) {
        drop(observer, error)
      }
    }
  }
}

function warn(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  process.emitWarning(`an observer of the mirror failed and is not called any more: ${reason}`, {
    type: 'RepriseWarning',
    code: 'OBSERVER_FAILED',
  })
}
