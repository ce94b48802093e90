import {boolean, string} from '@oclif/core/flags'
import type {SessionFilter} from '../sync/select-sessions.js'
import {parseDuration} from './duration.js'
import {withEnvironment} from './flags.js'
import type {Runtime} from './runtime.js'

const SESSIONS = 'SESSIONS'

/** Which of several sessions are meant. */
export const filterFlags = withEnvironment({
  since: string({summary: 'Only what changed within this time.', helpValue: '<7d>', helpGroup: SESSIONS}),
  include: string({
    summary: 'Only sessions whose project key, cwd or id matches.',
    description:
      'A glob; given more than once, one match is enough. `*` stays within one directory name, `**` does not.',
    helpValue: '<glob>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: SESSIONS,
  }),
  exclude: string({
    summary: 'Leave out sessions whose project key, cwd or id matches.',
    helpValue: '<glob>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: SESSIONS,
  }),
})

/** What to do where local and stored diverged; at most one of the two. */
export const divergedFlags = withEnvironment({
  merge: boolean({
    summary: 'Where both sides have messages that the other lacks: keep all of them.',
    exclusive: ['fork'],
  }),
  fork: boolean({summary: 'There: let the local conversation go on as a session of its own.', exclusive: ['merge']}),
})

/** Of commands to which a task says no more than this. */
export const taskFlag = string({
  summary: "The task whose part of the store is meant: the value of {task} in the store's URL.",
  helpValue: '<task>',
  helpGroup: SESSIONS,
})
export const allFlag = boolean({summary: 'The sessions of all projects.', helpGroup: SESSIONS})
export const compactAtFlag = string({
  summary:
    'Merge the parts of a transcript, behind what is stored, when it has more than this many (default: 64; 0: never).',
  helpValue: '<n>',
})
export const maxBytesFlag = string({
  summary: 'Bring no session here that is larger than this, whatever a store says (default: 5GB).',
  helpValue: '<size>',
})
export const dryRunFlag = boolean({summary: 'Tell what would be done, and write nothing.'})

interface FilterFlags {
  readonly since?: string | undefined
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
}

/** @throws DURATION_INVALID */
export function filterOf({since, include, exclude}: FilterFlags, {clock}: Pick<Runtime, 'clock'>): SessionFilter {
  return {include, exclude, since: since === undefined ? undefined : clock.now() - parseDuration(since, '--since')}
}

/** Each may hold pieces of large parts in memory. */
const SESSIONS_AT_ONCE = 16

/** What a use case for several sessions takes from the run. Sessions are worked on side by side, fewer than there may be requests. */
export function sideBySide({settings, progress, signal}: Pick<Runtime, 'settings' | 'progress' | 'signal'>) {
  return {progress, signal, concurrency: Math.min(SESSIONS_AT_ONCE, settings.concurrency)}
}
