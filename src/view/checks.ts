import type {SetupReport} from '../setup/set-up.js'
import {sanitizeLine} from './sanitize.js'
import {type Column, renderTable} from './table.js'

type Check = SetupReport['checks'][number]

const COLUMNS: readonly Column<Check>[] = [
  {title: 'CHECK', value: ({check}) => check},
  {title: 'STATE', value: ({state}) => state},
  {title: 'WHAT IT MEANS', value: ({detail}) => detail},
]

/** A line for each check, then a next step for each that has one. Never cut: what it means stands at a line's end. */
export function checksText({store, registry, checks}: SetupReport): string {
  const table = renderTable(COLUMNS, checks, Number.POSITIVE_INFINITY)
  const steps = checks.flatMap(({check, fix}) => (fix === undefined ? [] : [`  ${check}: ${sanitizeLine(fix)}\n`]))
  const place = registry === 'store' ? '' : `, registry ${sanitizeLine(registry)}`
  return `Store ${sanitizeLine(store)}${place}\n\n${table}${steps.length === 0 ? '' : `\nWhat to do:\n${steps.join('')}`}`
}
