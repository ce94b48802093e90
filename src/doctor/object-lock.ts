import type {DoctorCheck} from './patient.js'

/** Sessions looked at: a bucket's rule holds for all that is written after it was made. */
const SAMPLE = 16

export const objectLockCheck: DoctorCheck = {
  name: 'object lock',
  needsStore: true,
  async look({survey, sync}) {
    const newest = (await survey.stored())
      .flatMap(({transcripts}) => transcripts.flatMap(({parts}) => parts.at(-1) ?? []))
      .toSorted((a, b) => b.modified - a.modified)
      .slice(0, SAMPLE)
    for (const {key} of newest) {
      if ((await sync.store.head(key))?.locked !== true) continue
      return [
        {
          code: 'object-locked',
          severity: 'note',
          subject: key,
          what: 'Object Lock keeps what is written here',
          means:
            'sessions are safe from deletion, and are never merged: each merge would be stored and paid beside what it replaces',
          mend: 'Where few parts matter more: a bucket without a default retention.',
        },
      ]
    }
    return []
  },
}
