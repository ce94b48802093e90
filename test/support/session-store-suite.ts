import {closingCases} from './session-store/closing.js'
import {deletingCases} from './session-store/deleting.js'
import {identityCases} from './session-store/identity.js'
import {importingCases} from './session-store/importing.js'
import {keyCases} from './session-store/keys.js'
import {listingCases} from './session-store/listing.js'
import {orderCases} from './session-store/order.js'
import {subpathCases} from './session-store/subpaths.js'
import {summaryCases} from './session-store/summaries.js'
import type {SessionStoreCase} from './session-store/target.js'
import {valueCases} from './session-store/values.js'

export {targetOf} from './session-store/target.js'
export type {SessionStoreCase, SessionStoreTag, SessionStoreTarget, StoreUnderTest} from './session-store/target.js'

/**
 * What a `SessionStore` of the Agent SDK must do, as cases for any test runner. A case without a tag is the SDK's
 * contract; a tag names what is promised beyond it, so that a store which does not is left out by name:
 *
 * ```ts
 * for (const {name, tags, run} of sessionStoreCases()) if (!tags.includes('closing')) test(name, () => run(open))
 * ```
 *
 * Cases do not depend on each other: each opens a store of its own.
 */
export function sessionStoreCases(): readonly SessionStoreCase[] {
  return [
    ...orderCases,
    ...valueCases,
    ...identityCases,
    ...subpathCases,
    ...keyCases,
    ...deletingCases,
    ...listingCases,
    ...summaryCases,
    ...importingCases,
    ...closingCases,
  ]
}
