export type {Clock, Random} from './base/clock.js'
export {type ErrorKind, hasCode, RepriseError, type RepriseErrorOptions} from './base/errors.js'
export type * from './object-store/object-store.js'
