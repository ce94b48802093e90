import {type Asked, type Check, type Step, unchecked} from './check.js'

/** The shape that the registry needs of a table; whatever else a table has is its owner's. */
export const TABLE_SHAPE = {
  key: 'task_id',
  sessionAttribute: 'claude_session_id',
  sessionIndex: 'claude_session_id-index',
  expiry: 'ttl',
} as const

/** What a table says of itself. */
export interface TableFacts {
  readonly keys: readonly TableKey[]
  readonly indexes: readonly {readonly name: string; readonly keys: readonly TableKey[]; readonly active: boolean}[]
  /** Throughput that is paid by the hour: a new index needs figures that only the owner can know. */
  readonly provisioned: boolean
  readonly expiry: Asked<string | undefined>
  readonly backups: Asked<boolean>
}

export interface TableKey {
  readonly name: string
  readonly role: 'HASH' | 'RANGE'
  /** `S`, `N` or `B`. */
  readonly type: string
}

export type TableChange = {readonly type: 'table'} | {readonly type: 'index'} | {readonly type: 'expiry'}

/** @param facts undefined: there is no such table. */
export function planTable(name: string, facts: Asked<TableFacts | undefined>): readonly Step<TableChange>[] {
  if (!facts.known) return [unchecked('table', facts.why)]
  if (facts.value === undefined) return [createTable(name), setExpiry(), suggestBackups(name)]
  const keys = checkKeys(name, facts.value)
  if (keys.state !== 'ok') return [keys]
  return [keys, planIndex(facts.value), planExpiry(facts.value), checkBackups(name, facts.value)]
}

function createTable(name: string): Step<TableChange> {
  return {
    check: 'table',
    state: 'missing',
    detail: `there is no table ${name}`,
    change: {
      to: {type: 'table'},
      makes: 'created',
      done: `${name}, paid by request, with an index by session`,
    },
  }
}

function checkKeys(name: string, {keys}: TableFacts): Check {
  const [only, ...more] = keys
  if (only?.name === TABLE_SHAPE.key && only.type === 'S' && more.length === 0) {
    return {check: 'table', state: 'ok', detail: `${name}, its key is ${TABLE_SHAPE.key}`}
  }
  const found = keys.map(({name: key, type}) => `${key} (${type})`).join(' and ')
  return {
    check: 'table',
    state: 'warning',
    detail: `${name} cannot be the registry: its key is ${found}, and has to be ${TABLE_SHAPE.key} (S) alone`,
    fix: 'Name another table: --registry dynamodb://table. One that is not there is made.',
  }
}

function planIndex({indexes, provisioned}: TableFacts): Step<TableChange> {
  const check = 'table index'
  const index = indexes.find(({keys}) => keys[0]?.name === TABLE_SHAPE.sessionAttribute && keys.length === 1)
  if (index?.name === TABLE_SHAPE.sessionIndex) {
    const detail = index.active ? 'tasks are found by their session' : 'it is being built'
    return {check, state: 'ok', detail}
  }
  const detail = `there is no index ${TABLE_SHAPE.sessionIndex}: tasks are not found by their session`
  if (provisioned) {
    const fix = `Make it, with the throughput that you want: partition key ${TABLE_SHAPE.sessionAttribute} (S), all attributes projected.`
    return {check, state: 'missing', detail, fix}
  }
  return {
    check,
    state: 'missing',
    detail,
    change: {to: {type: 'index'}, makes: 'created', done: `${TABLE_SHAPE.sessionIndex} is being built`},
  }
}

function planExpiry({expiry}: TableFacts): Step<TableChange> {
  const check = 'table ttl'
  if (!expiry.known) return unchecked(check, expiry.why)
  if (expiry.value === TABLE_SHAPE.expiry)
    return {check, state: 'ok', detail: `items end at their ${TABLE_SHAPE.expiry}`}
  if (expiry.value === undefined) return setExpiry()
  return {
    check,
    state: 'warning',
    detail: `items end at their ${expiry.value}: the ${TABLE_SHAPE.expiry} that reprise writes does nothing, and its items stay`,
  }
}

function setExpiry(): Step<TableChange> {
  return {
    check: 'table ttl',
    state: 'missing',
    detail: 'items never end: those of tasks that are long over stay',
    change: {to: {type: 'expiry'}, makes: 'created', done: `items end at their ${TABLE_SHAPE.expiry}`},
  }
}

function checkBackups(name: string, {backups}: TableFacts): Check {
  const check = 'table backups'
  if (!backups.known) return unchecked(check, backups.why)
  return backups.value ? {check, state: 'ok', detail: 'point-in-time recovery is on'} : suggestBackups(name)
}

/** Paid by the gigabyte, so not ours to switch on. */
function suggestBackups(name: string): Check {
  return {
    check: 'table backups',
    state: 'warning',
    detail:
      'point-in-time recovery is off: a table that is lost takes along which task has which session (the sessions stay)',
    fix: `aws dynamodb update-continuous-backups --table-name ${name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
  }
}
