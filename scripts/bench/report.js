import {rounded} from './numbers.js'

/**
 * @typedef {object} Result
 * @property {string} row
 * @property {string} title
 * @property {import('./row.js').Figure[]} figures
 * @property {string} [skipped] why
 * @property {string} [failed] why
 */

/**
 * @param {import('./row.js').Figure} figure
 * @returns {'ok' | 'over' | undefined} undefined for a figure without a bound
 */
export function verdictOf({value, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY}) {
  if (atMost === Number.POSITIVE_INFINITY && atLeast === Number.NEGATIVE_INFINITY) return undefined
  return value <= atMost && value >= atLeast ? 'ok' : 'over'
}

/** @param {readonly Result[]} results */
export function isOver(results) {
  return results.some(({failed, figures}) => failed !== undefined || figures.some((each) => verdictOf(each) === 'over'))
}

/**
 * One table, every figure a line.
 * @param {readonly Result[]} results
 */
export function reportText(results) {
  const lines = [['', 'measured', 'bound', '', '']]
  for (const {row, title, figures, skipped, failed} of results) {
    lines.push([`${row}: ${title}`])
    if (skipped !== undefined) lines.push([`  skipped: ${skipped}`])
    if (failed !== undefined) lines.push([`  failed: ${failed}`])
    for (const figure of figures) {
      const {what, value, unit, atMost, atLeast, aim, note = ''} = figure
      const limit = atMost === undefined ? (atLeast === undefined ? '' : `>= ${atLeast}`) : `<= ${atMost}`
      const bound = `${limit}${aim === undefined ? '' : ` (aim ${aim})`}`
      lines.push([`  ${what}`, `${rounded(value)} ${unit}`, bound, verdictOf(figure) ?? '', note])
    }
  }
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...lines.filter(({length}) => length > 1).map((cells) => cells[column]?.length ?? 0)),
  )
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
