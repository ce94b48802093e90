import type {Entry} from '../registry/registry.js'
import type {LinkResult} from '../registry/task-link.js'
import {sanitizeLine} from './sanitize.js'

/** docs/json-output.md, `link`. */
export function linkedJson({entry, action, previous}: LinkResult): Record<string, unknown> {
  const {kind, id, sessionId, earlier, createdAt, updatedAt} = entry
  return {kind, id, sessionId, action, ...(previous !== undefined && {previous}), earlier, createdAt, updatedAt}
}

export function linkedText({entry, action, previous}: LinkResult): string {
  const what = `The ${entry.kind} ${sanitizeLine(entry.id)}`
  switch (action) {
    case 'created':
      return `${what} is session ${entry.sessionId} from now on.`
    case 'unchanged':
      return `${what} is session ${entry.sessionId} already.`
    case 'continued':
      return `${what} goes on in session ${entry.sessionId}, after ${previous}.`
    case 'moved':
      return `${what} is session ${entry.sessionId} from now on, no longer ${previous}.`
  }
}

/** docs/json-output.md, `unlink`. */
export function unlinkedJson({kind, id, sessionId, earlier}: Entry): Record<string, unknown> {
  return {kind, id, sessionId, earlier}
}

export function unlinkedText({kind, id, sessionId}: Entry): string {
  return `The ${kind} ${sanitizeLine(id)} is forgotten. It was session ${sessionId}, which stays.`
}
