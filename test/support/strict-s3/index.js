export {
  ANSWER_LOST,
  CONDITIONAL_CONFLICT,
  HALF_A_BODY,
  INTERNAL_ERROR,
  RESET_BEFORE,
  SLOW_DOWN,
  TOO_MANY_REQUESTS,
} from './faults.js'
export {loopbackLookup} from './loopback-lookup.js'
export {startStrictS3} from './server.js'
export {spawnStrictS3} from './spawn.js'
