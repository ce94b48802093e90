import {RepriseError} from '../base/errors.js'
import type {LeaseRecord} from './lease-record.js'

export function leaseHeld(sessionId: string, {owner, expiry}: LeaseRecord): RepriseError {
  const until = new Date(expiry).toISOString()
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_HELD',
    message: `session ${sessionId} is held by process ${owner.pid} on ${owner.machine} until ${until}`,
    suggestions: [
      'Wait for it: --wait 2m',
      'Go on in a copy of the conversation: --fork',
      'Take it over now, when that process is known to be gone: --force',
    ],
    details: {sessionId, owner, expiry: until},
  })
}

export function leaseLost(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_LOST',
    message: `another worker has taken over session ${sessionId}`,
    suggestions: [
      'reprise status',
      'The local transcript is kept; reprise push --fork stores it as a session of its own.',
    ],
    details: {sessionId},
  })
}

export function leaseContended(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_CONTENDED',
    message: `the lease of session ${sessionId} changes faster than it can be read`,
    suggestions: ['Run the command again.'],
  })
}

export function epochJump(sessionId: string, listed: number, epoch: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'EPOCH_JUMP',
    message: `session ${sessionId} has parts of epoch ${listed}, but its lease record is at ${epoch}: one of them is damaged or forged`,
    suggestions: ['reprise doctor'],
  })
}

/** @param where the record lies, as people find it. */
export function leaseDamaged(where: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'LEASE_DAMAGED',
    message: `${where} is not a lease record that this reprise can read`,
    suggestions: ['Update reprise on this machine.', 'reprise doctor'],
  })
}
