import type {LeaseState, LeaseSummary} from '../sync/list-leases.js'
import type {ReleasedLease} from '../sync/release-lease.js'
import {sanitizeLine} from './sanitize.js'
import {type Column, renderTable} from './table.js'
import {formatAge} from './time.js'

export interface LeasesTextOptions {
  /** Those that were given back are asked for, too. */
  readonly all: boolean
  /** ms since the epoch. */
  readonly now: number
  /** Infinite where nothing is to be cut. */
  readonly width: number
}

export function leasesText(leases: readonly LeaseSummary[], {all, now, width}: LeasesTextOptions): string {
  if (leases.length === 0) return all ? 'Nobody has ever held a session.' : 'Nobody holds a session.'
  const columns: Column<LeaseSummary>[] = [
    {title: 'SESSION', value: ({sessionId}) => sessionId},
    {title: 'STATE', value: ({state}) => WORDS[state]},
    {title: 'MACHINE', value: ({machine}) => machine, shrinkTo: 8},
    {title: 'PROCESS', value: ({pid}) => String(pid), align: 'right'},
    {title: 'SINCE', value: ({acquiredAt}) => formatAge(Date.parse(acquiredAt), now)},
    {title: 'UNTIL', value: ({expiresAt}) => expiresAt},
    {title: 'EPOCH', value: ({epoch}) => String(epoch), align: 'right'},
  ]
  return renderTable(columns, leases, width)
}

const WORDS: Readonly<Record<LeaseState, string>> = {
  held: 'held',
  dead: 'held, process is dead',
  expired: 'expired',
  released: 'free',
}

export function releaseQuestion({sessionId, machine, pid, state}: LeaseSummary): string {
  const warning = state === 'held' ? ' What it stores from now on may be cut off.' : ''
  return `Take the lease of session ${sessionId} from process ${pid} on ${machine}?${warning}`
}

export function releasedText(released: ReleasedLease | undefined): string {
  if (!released) return 'Nothing was changed.'
  const {action, sessionId, lease} = released
  if (action === 'unchanged') return `Nobody holds session ${sessionId}.`
  return sanitizeLine(`Session ${sessionId} is free; process ${lease.pid} on ${lease.machine} had it.`)
}
