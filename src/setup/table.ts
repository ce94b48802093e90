import {KEY, SESSION} from '../registry/dynamodb/keys.js'
import {TTL} from '../registry/dynamodb/own-attributes.js'
import {type Asked, type Check, type Step, unchecked} from './check.js'

/** What a table says of itself. */
export interface TableFacts {
  readonly keys: readonly TableKey[]
  readonly indexes: readonly TableIndex[]
  /** Throughput that is paid by the hour: a new index needs figures that only the owner can know. */
  readonly provisioned: boolean
  /** The attribute at whose time items end; undefined: they do not. */
  readonly expiry: Asked<string | undefined>
  /** Point-in-time recovery. */
  readonly backups: Asked<boolean>
}

export interface TableKey {
  readonly name: string
  /** `S`, `N` or `B`. */
  readonly type: string
}

export interface TableIndex {
  readonly name: string
  readonly keys: readonly TableKey[]
  readonly isActive: boolean
}

export interface WantedTable {
  readonly name: string
  /** The index by session. */
  readonly index: string
}

export type TableChange = {readonly type: 'index'} | {readonly type: 'expiry'}

/** A table that is to be made has no `expiry` yet. */
export const NEW_TABLE = {expiry: {known: true, value: undefined}, backups: {known: true, value: false}} as const

/** What a table that is there lacks; whatever else it has is its owner's. */
export function planTable(wanted: WantedTable, facts: TableFacts): readonly Step<TableChange>[] {
  const keys = checkKeys(wanted, facts)
  return keys.state === 'ok' ? [keys, planIndex(wanted, facts), ...planItems(wanted, facts)] : [keys]
}

/** What goes for items, in a new table as in an old one. */
export function planItems(
  {name}: WantedTable,
  {expiry, backups}: Pick<TableFacts, 'expiry' | 'backups'>,
): readonly Step<TableChange>[] {
  return [planExpiry(expiry), checkBackups(name, backups)]
}

function checkKeys({name}: WantedTable, {keys}: TableFacts): Check {
  const [only, ...more] = keys
  if (isText(only, KEY) && more.length === 0) return {check: 'table', state: 'ok', detail: `${name}, its key is ${KEY}`}
  const found = keys.map(({name: key, type}) => `${key} (${type})`).join(' and ')
  return {
    check: 'table',
    state: 'warning',
    detail: `${name} cannot be the registry: its key is ${found}, and has to be ${KEY} (S) alone`,
    fix: 'Name another table: --registry dynamodb://table. One that is not there is made.',
  }
}

function planIndex(wanted: WantedTable, {indexes, provisioned}: TableFacts): Step<TableChange> {
  const check = 'table index'
  const bySession = indexes.filter(({keys}) => isText(keys[0], SESSION))
  const index = bySession.find(({name}) => name === wanted.index)
  if (index)
    return {check, state: 'ok', detail: index.isActive ? 'tasks are found by their session' : 'it is being built'}
  const detail = `there is no index ${wanted.index}: lists, and tasks that other programs wrote, are not found`
  const [other] = bySession
  if (other) {
    return {
      check,
      state: 'warning',
      detail,
      fix: `Name the one that is there: --registry "dynamodb://${wanted.name}?index=${other.name}"`,
    }
  }
  if (provisioned) {
    const fix = `Make it, with the throughput that you want: partition key ${SESSION} (S), keys only.`
    return {check, state: 'missing', detail, fix}
  }
  return {
    check,
    state: 'missing',
    detail,
    change: {to: {type: 'index'}, makes: 'created', done: `${wanted.index} is being built`},
  }
}

function planExpiry(expiry: TableFacts['expiry']): Step<TableChange> {
  const check = 'table ttl'
  if (!expiry.known) return unchecked(check, expiry.why)
  if (expiry.value === TTL) return {check, state: 'ok', detail: `items end at their ${TTL}, where they have one`}
  if (expiry.value === undefined) {
    return {
      check,
      state: 'missing',
      detail: `items stay after their ${TTL}`,
      change: {to: {type: 'expiry'}, makes: 'created', done: `items end at their ${TTL}, where they have one`},
    }
  }
  return {
    check,
    state: 'warning',
    detail: `items end at their ${expiry.value}: a ${TTL} that reprise writes does nothing`,
  }
}

/** Paid by the gigabyte, so not ours to switch on. */
function checkBackups(name: string, backups: TableFacts['backups']): Check {
  const check = 'table backups'
  if (!backups.known) return unchecked(check, backups.why)
  if (backups.value) return {check, state: 'ok', detail: 'point-in-time recovery is on'}
  return {
    check,
    state: 'warning',
    detail:
      'point-in-time recovery is off: a table that is lost takes along which task has which session (the sessions stay)',
    fix: `aws dynamodb update-continuous-backups --table-name ${name} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
  }
}

function isText(key: TableKey | undefined, name: string): boolean {
  return key?.name === name && key.type === 'S'
}
