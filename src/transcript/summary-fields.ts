import {plainText} from './plain-text.js'

/** Fields of entries as a summary takes them: values of any kind in, plain ones of bounded size out. */

const LONGEST_TEXT = 200
export const LONGEST_PATH = 4096

export function objectField(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
}

/** @returns undefined for what is no text, or has nothing to show. */
export function textField(value: unknown, limit = LONGEST_TEXT): string | undefined {
  return typeof value === 'string' ? plainText(value, limit) || undefined : undefined
}

/** ISO 8601 in UTC. */
export function timeField(value: unknown): string | undefined {
  const ms = typeof value === 'string' && value.length <= 64 ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

/** Without the members that are undefined. */
export function definedFields<T extends object>(fields: {[Key in keyof T]: T[Key] | undefined}): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** The earliest and the latest time, as far as lines told them. */
export function spanOf(
  soFar: {readonly createdAt?: string; readonly updatedAt?: string},
  time: string | undefined,
): {createdAt: string | undefined; updatedAt: string | undefined} {
  return {
    createdAt: time && soFar.createdAt && soFar.createdAt < time ? undefined : time,
    updatedAt: time && soFar.updatedAt && soFar.updatedAt > time ? undefined : time,
  }
}
