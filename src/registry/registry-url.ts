import {RepriseError} from '../base/errors.js'

/** Where tasks, names and leases are kept, as a setting says it. */
export type RegistryUrl = {readonly kind: 'store'} | DynamoRegistryUrl

/** `dynamodb://table[?region=…][&index=…][&ttl=…d]` */
export interface DynamoRegistryUrl {
  readonly kind: 'dynamodb'
  readonly table: string
  readonly region?: string
  /** The index by `claude_session_id`. */
  readonly index?: string
  /** After so many days without a change, a task or name may be forgotten. Default: never. */
  readonly ttlDays?: number
}

const TABLE = /^[A-Za-z0-9_.-]{3,255}$/
const REGION = /^[a-z0-9-]{1,40}$/
const MOST_DAYS = 36_500

/** @throws REGISTRY_INVALID (usage) */
export function parseRegistryUrl(text: string): RegistryUrl {
  if (text === 'store') return {kind: 'store'}
  const [, table = '', query = ''] = /^dynamodb:\/\/([^?/#]*)\/?(?:\?(.*))?$/.exec(text) ?? []
  if (!TABLE.test(table)) throw invalid(text, 'is neither store nor dynamodb://table.')
  const given = new Map(new URLSearchParams(query))
  const take = (name: string, form: RegExp): string | undefined => {
    const value = given.get(name)
    given.delete(name)
    if (value !== undefined && !form.test(value)) throw invalid(text, `has no usable ${name}.`)
    return value
  }
  const region = take('region', REGION)
  const index = take('index', TABLE)
  const days = take('ttl', /^[1-9]\d{0,4}d$/)?.slice(0, -1)
  const [unknown] = given.keys()
  if (unknown !== undefined)
    throw invalid(text, `has ${JSON.stringify(unknown.slice(0, 40))}, which means nothing here.`)
  if (Number(days) > MOST_DAYS) throw invalid(text, 'has no usable ttl.')
  return {
    kind: 'dynamodb',
    table,
    ...(region !== undefined && {region}),
    ...(index !== undefined && {index}),
    ...(days !== undefined && {ttlDays: Number(days)}),
  }
}

/** Whether two settings mean one registry. A region that one of them leaves to its surroundings is taken for the other's. */
export function isSameRegistry(one: string, other: string): boolean {
  if (one === other) return true
  try {
    const [first, second] = [parseRegistryUrl(one), parseRegistryUrl(other)]
    if (first.kind === 'store' || second.kind === 'store') return first.kind === second.kind
    const {region: here = second.region, table} = first
    return table === second.table && here === (second.region ?? here)
  } catch {
    // Of a later version, maybe.
    return false
  }
}

function invalid(text: string, what: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'REGISTRY_INVALID',
    message: `${JSON.stringify(text.slice(0, 300))} ${what}`,
    suggestions: [
      'Keep tasks, names and leases in the store: --registry store',
      'Or in a table: --registry "dynamodb://table?region=eu-central-1", with &index=NAME and &ttl=90d where needed.',
    ],
  })
}
