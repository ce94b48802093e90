import type {AttributeValue} from '@aws-sdk/client-dynamodb'

/** Values as JSON has them, without null: what an attribute of ours holds. */
export type Plain = string | number | boolean | readonly Plain[] | {readonly [member: string]: Plain | undefined}

export type Item = Readonly<Record<string, AttributeValue>>

export function toAttribute(value: Plain): AttributeValue {
  if (typeof value === 'string') return {S: value}
  if (typeof value === 'number') return {N: String(value)}
  if (typeof value === 'boolean') return {BOOL: value}
  if (Array.isArray(value)) return {L: value.map((each: Plain) => toAttribute(each))}
  const members = Object.entries(value).flatMap(([name, each]): [string, AttributeValue][] =>
    each === undefined ? [] : [[name, toAttribute(each)]],
  )
  return {M: Object.fromEntries(members)}
}

/** @returns undefined for kinds that we never write; of a set of texts, a list. */
export function fromAttribute(attribute: AttributeValue | undefined): unknown {
  if (attribute === undefined) return undefined
  if (attribute.S !== undefined) return attribute.S
  if (attribute.N !== undefined) return Number(attribute.N)
  if (attribute.BOOL !== undefined) return attribute.BOOL
  if (attribute.SS !== undefined) return attribute.SS
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute)
  if (attribute.M === undefined) return undefined
  return Object.fromEntries(Object.entries(attribute.M).map(([name, each]) => [name, fromAttribute(each)]))
}

export function textOf(item: Item, name: string): string | undefined {
  const value = fromAttribute(item[name])
  return typeof value === 'string' ? value : undefined
}

export function numberOf(item: Item, name: string): number | undefined {
  const value = fromAttribute(item[name])
  return typeof value === 'number' ? value : undefined
}
