import type {DoctorReport, ExaminedFinding} from '../doctor/examine.js'
import type {FindingSeverity} from '../doctor/finding.js'
import {sanitizeLine} from './sanitize.js'

/** Findings of one kind that are told one by one; of more the number alone. */
const SHOWN = 5
const ORDER: readonly FindingSeverity[] = ['problem', 'warning', 'note']

/** The worst first; several of one kind together. */
export function doctorText({store, findings, checks, totals}: DoctorReport): string {
  const lines = [`Store ${sanitizeLine(store)}`]
  for (const severity of ORDER) {
    const own = findings.filter((each) => each.severity === severity)
    for (const code of new Set(own.map((each) => each.code))) {
      const alike = own.filter((each) => each.code === code)
      lines.push('', ...alike.slice(0, SHOWN).flatMap(linesOf))
      if (alike.length > SHOWN) lines.push(`${alike.length - SHOWN} more of ${code}: --json tells all`)
    }
  }
  const skipped = checks.filter(({state}) => state === 'skipped').map(({check}) => check)
  if (skipped.length > 0) lines.push('', `Not looked at, since the store cannot be used: ${skipped.join(', ')}`)
  const {problem, warning, fixed} = totals
  const open = findings.some(({fixable, fix}) => fixable && !fix)
  const mended = fixed > 0 ? `, ${fixed} mended` : ''
  const next = open ? '. Some can be mended here: reprise doctor --fix' : ''
  return [...lines, '', `${counted(problem, 'problem')}, ${counted(warning, 'warning')}${mended}${next}`].join('\n')
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function linesOf({code, severity, subject, what, means, mend, fix}: ExaminedFinding): readonly string[] {
  const about = subject === undefined ? '' : `${subject}: `
  const state = fix ? [`  ${fix.state}: ${fix.detail}`] : []
  const next = mend === undefined || fix?.state === 'fixed' ? [] : [`  → ${mend}`]
  return [`${severity} ${code}: ${about}${what}`, `  ${means}`, ...state, ...next].map((line) =>
    line.startsWith('  ') ? `  ${sanitizeLine(line)}` : sanitizeLine(line),
  )
}
