import {boolean, string} from '@oclif/core/flags'
import type {ArchiveOptions} from '../sync/archive-session.js'
import type {CompactManyOptions} from '../sync/compact-many.js'
import {parseDuration} from './duration.js'

/** Of `compact`: which sessions are packed away, and how. */
export const archiveFlags = {
  'older-than': string({
    summary: 'Only sessions that were written last longer ago than this.',
    description: 'With --archive, those of them that may still be in use are left for later, which is no failure.',
    helpValue: '<30d>',
  }),
  archive: string({
    summary: 'Pack whole sessions instead, with this codec.',
    options: ['gzip'],
    helpValue: '<gzip>',
  }),
  force: boolean({summary: 'With --archive: also sessions that may still be in use, unless somebody holds them.'}),
}

interface ArchiveFlags {
  readonly archive: string | undefined
  readonly force: boolean
  readonly 'older-than': string | undefined
}

/** @throws DURATION_INVALID */
export function archiveOf(flags: ArchiveFlags): Pick<CompactManyOptions, 'archive' | 'olderThan'> {
  const age = flags['older-than']
  const olderThan = age === undefined ? undefined : parseDuration(age, '--older-than')
  return {olderThan, archive: flags.archive === undefined ? undefined : {codec: 'gzip', inUse: inUseOf(flags)}}
}

/** Who chooses by age means sessions that nobody uses: one that shows another sign of life is none of them. */
function inUseOf({force, 'older-than': age}: ArchiveFlags): ArchiveOptions['inUse'] {
  if (force) return 'archive'
  return age === undefined ? 'refuse' : 'leave'
}
