import {deletingCases} from './conformance/deleting.js'
import {joiningCases} from './conformance/joining.js'
import {keyCases} from './conformance/keys.js'
import {listingCases} from './conformance/listing.js'
import {raceCases} from './conformance/races.js'
import {readingCases} from './conformance/reading.js'
import type {ConformanceCase} from './conformance/target.js'
import {writingCases} from './conformance/writing.js'

export type {ConformanceCase, ConformanceTag, ConformanceTarget} from './conformance/target.js'

/**
 * What every object store must do, as cases for any test runner:
 *
 * ```ts
 * for (const {name, run} of conformanceCases()) test(name, () => run({open: async () => new MyStore()}))
 * ```
 *
 * Cases do not depend on each other or on their order, and each keeps to a prefix of its own.
 */
export function conformanceCases(): readonly ConformanceCase[] {
  return [
    ...writingCases,
    ...readingCases,
    ...listingCases,
    ...keyCases,
    ...raceCases,
    ...joiningCases,
    ...deletingCases,
  ]
}
