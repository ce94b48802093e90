import {type AgentStream, trackTask as track, type TrackTaskOptions} from '../registry/track-task.js'
import {backgroundClock} from './background-clock.js'

export type {TrackTaskOptions} from '../registry/track-task.js'

/**
 * Passes every message of a query through, and keeps the registry's record of the task beside it: which session it is from the first
 * message that names one, and at each result its status (`ended`, `failed`), cost and duration. A query that ends without a result is
 * `failed` when it throws, and `interrupted` when it was aborted or left. A query that changes its session (`/clear`) makes the chain longer.
 *
 * The registry never breaks the stream and is not waited for, but at its end, for `settleMs` at most.
 *
 * @returns the same query to its caller: all its methods are there.
 */
export function trackTask<Stream extends AgentStream>(query: Stream, options: TrackTaskOptions): Stream {
  return track(query, options, backgroundClock)
}
