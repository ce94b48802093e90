import {RepriseError} from '../base/errors.js'

/** @throws FLAG_INVALID (usage) for what is no whole number, or below `least`. */
export function parseWhole(text: string, source: string, least = 0): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least) return number
  throw new RepriseError({
    kind: 'usage',
    code: 'FLAG_INVALID',
    message: `${source}: ${JSON.stringify(text)} is no whole number${least > 0 ? ` from ${least} on` : ''}`,
  })
}
