import type {TranscriptView} from '../../store/view.js'

/** The transcript, as findings name it. */
export function subjectOf({ref}: Pick<TranscriptView, 'ref'>): string {
  return ref.subpath === undefined ? ref.sessionId : `${ref.sessionId}/${ref.subpath}`
}
