export {DIRECTORY_CLASS, DIRECTORY_SUFFIX} from './directory-bucket.js'
export {
  ANSWER_LOST,
  CONDITIONAL_CONFLICT,
  HALF_A_BODY,
  INTERNAL_ERROR,
  RESET_BEFORE,
  SLOW_DOWN,
  TOO_MANY_REQUESTS,
  type Fault,
  type FaultHandle,
  type FaultMatch,
  type FaultRule,
} from './faults.js'
export {loopbackLookup} from './loopback-lookup.js'
export type {Operation} from './operations.js'
export type {Addressing, ConditionMode, Credentials, Settings, StrictS3, StrictS3Options} from './options.js'
export type {LoggedRequest, RequestStats} from './request-log.js'
export {startStrictS3} from './server.js'
export {spawnStrictS3, type SpawnedStrictS3} from './spawn.js'
