import {sanitizeLine} from './sanitize.js'
import {displayWidth, truncate} from './width.js'

export interface Column<Row> {
  readonly title: string
  /** The cell's text; whatever control characters it holds are taken out. */
  readonly value: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** May be cut down to this width, with an ellipsis, when the terminal is too narrow. Without it, never. */
  readonly shrinkTo?: number
}

const GAP = '  '

/**
 * Rows under titles, no frame: what `column` and `awk` take, too. Wide characters count as two columns.
 *
 * @param width the terminal's, or infinite where the output is no terminal: nothing is cut then.
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  const cells = rows.map((row) => columns.map((column) => sanitizeLine(column.value(row))))
  const lines = [columns.map((column) => column.title), ...cells]
  const natural = columns.map((_, index) => Math.max(...lines.map((line) => displayWidth(line[index] ?? ''))))
  const widths = fit(columns, natural, width)
  return lines.map((line) => renderLine(line, columns, widths)).join('')
}

function renderLine<Row>(line: readonly string[], columns: readonly Column<Row>[], widths: readonly number[]): string {
  const padded = columns.map((column, index) => {
    const text = truncate(line[index] ?? '', widths[index] ?? 0)
    const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)))
    return column.align === 'right' ? space + text : text + space
  })
  return `${padded.join(GAP).trimEnd()}\n`
}

/** Takes what is too much from the widest column that may still shrink, one cell at a time. */
function fit<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, cell) => sum + cell, GAP.length * (columns.length - 1)) - width
  for (; excess > 0; excess -= 1) {
    let widest = -1
    for (const [index, {shrinkTo}] of columns.entries()) {
      const own = widths[index] ?? 0
      if (shrinkTo !== undefined && own > shrinkTo && own > (widths[widest] ?? 0)) widest = index
    }
    if (widest === -1) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}
