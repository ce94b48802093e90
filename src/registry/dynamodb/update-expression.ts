import type {UpdateItemCommandInput} from '@aws-sdk/client-dynamodb'
import {type Plain, toAttribute} from './attributes.js'

/** What becomes of an item's attributes. Those that are not named stay as they are. */
export interface Change {
  /** New values; undefined: the attribute goes. */
  readonly set: Readonly<Record<string, Plain | undefined>>
  /** Values for attributes that the item may have already, and then keeps. */
  readonly setIfAbsent?: Readonly<Record<string, Plain>>
  /** Members for a set of texts. */
  readonly add?: Readonly<Record<string, readonly string[]>>
  /** What each attribute must hold for the change to be made; undefined: the item has none of that name. */
  readonly expect?: Readonly<Record<string, Plain | undefined>>
}

type Expression = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>

/** A change as an UpdateItem says it. Every name goes by a placeholder: there are hundreds of reserved words. */
export function updateExpression({set, setIfAbsent = {}, add = {}, expect = {}}: Change): Expression {
  const names = new Map<string, string>()
  const values: NonNullable<Expression['ExpressionAttributeValues']> = {}
  const name = (attribute: string): string => {
    const placeholder = names.get(attribute) ?? `#${names.size}`
    names.set(attribute, placeholder)
    return placeholder
  }
  const value = (attribute: NonNullable<Expression['ExpressionAttributeValues']>[string]): string => {
    const placeholder = `:${Object.keys(values).length}`
    values[placeholder] = attribute
    return placeholder
  }
  const sets = Object.entries(set).flatMap(([attribute, to]) =>
    isGiven(to) ? [`${name(attribute)} = ${value(toAttribute(to))}`] : [],
  )
  const absent = Object.entries(setIfAbsent).map(
    ([attribute, to]) => `${name(attribute)} = if_not_exists(${name(attribute)}, ${value(toAttribute(to))})`,
  )
  const removes = Object.entries(set).flatMap(([attribute, to]) => (isGiven(to) ? [] : [name(attribute)]))
  const adds = Object.entries(add).map(([attribute, members]) => `${name(attribute)} ${value({SS: [...members]})}`)
  const conditions = Object.entries(expect).map(([attribute, is]) =>
    is === undefined ? `attribute_not_exists(${name(attribute)})` : `${name(attribute)} = ${value(toAttribute(is))}`,
  )
  const clauses = [clause('SET', [...sets, ...absent]), clause('REMOVE', removes), clause('ADD', adds)]
  return {
    UpdateExpression: clauses.filter((each) => each !== '').join(' '),
    ...(conditions.length > 0 && {ConditionExpression: conditions.join(' AND ')}),
    ExpressionAttributeNames: Object.fromEntries(
      [...names].map(([attribute, placeholder]) => [placeholder, attribute]),
    ),
    ...(Object.keys(values).length > 0 && {ExpressionAttributeValues: values}),
  }
}

/** Some services take no empty text. */
function isGiven(value: Plain | undefined): value is Plain {
  return value !== undefined && value !== ''
}

function clause(word: string, actions: readonly string[]): string {
  return actions.length === 0 ? '' : `${word} ${actions.join(', ')}`
}
