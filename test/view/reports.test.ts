import {describe, expect, test} from 'vitest'
import type {PullOutcome} from '../../src/sync/pull-many.js'
import type {PushOutcome} from '../../src/sync/push-many.js'
import type {SessionStatus, StatusReport} from '../../src/sync/status.js'
import {pullText} from '../../src/view/pull.js'
import {pushText} from '../../src/view/push.js'
import {statusText} from '../../src/view/status.js'

const base = {projectKey: '-p', entries: 0}
const evil = {
  kind: 'conflict',
  code: 'SESSION_DIVERGED',
  message: 'went on \u001B]0;title\u0007 twice',
  suggestions: ['--merge', '--fork'],
} as const

function push(sessionId: string, action: PushOutcome['action'], more: Partial<PushOutcome> = {}): PushOutcome {
  return {...base, sessionId, action, bytesUploaded: 0, partsCreated: 0, ...more}
}

function pull(sessionId: string, action: PullOutcome['action'], more: Partial<PullOutcome> = {}): PullOutcome {
  return {...base, sessionId, action, bytesDownloaded: 0, path: `/c/${sessionId}.jsonl`, ...more}
}

function state(sessionId: string, more: Partial<SessionStatus>): SessionStatus {
  const none = {unstoredEntries: 0, unstoredBytes: 0, tornBytes: 0}
  return {sessionId, projectKey: '-p', state: 'stored', ...none, ...more}
}

describe('reports for people', () => {
  test('of a push', () => {
    const sessions = [
      push('s1', 'pushed', {entries: 1, bytesUploaded: 2048}),
      push('s2', 'unchanged'),
      push('s3', 'behind'),
      push('s4', 'forked', {newSessionId: 's5', entries: 2, bytesUploaded: 10}),
      push('s6', 'diverged', {error: evil}),
    ]
    const totals = {sessions: 5, actions: {unchanged: 1}, bytesUploaded: 2058, partsCreated: 0, entries: 0}
    expect(pushText({sessions, totals}, {dryRun: true})).toMatchInlineSnapshot(`
      "s1  pushed (1 entry, 2.0 KiB)
      s3  behind: the store has more, reprise pull brings it
      s4  forked as s5 (2 entries, 10 B)
      s6  diverged
        went on twice [SESSION_DIVERGED]
        → --merge
        → --fork
      1 unchanged
      Nothing was written; 2.0 KiB would be uploaded."
    `)
  })

  test('of a pull', () => {
    const sessions = [
      pull('s1', 'pulled', {entries: 1, bytesDownloaded: 2048}),
      pull('s2', 'unchanged'),
      pull('s3', 'ahead'),
      pull('s4', 'forked', {newSessionId: 's5'}),
      pull('s6', 'failed', {error: evil}),
    ]
    const totals = {sessions: 5, actions: {unchanged: 1}, bytesDownloaded: 2048, entries: 0}
    expect(pullText({sessions, totals}, {dryRun: false})).toMatchInlineSnapshot(`
      "s1  pulled (2.0 KiB)  /c/s1.jsonl
      s3  ahead: more is here than in the store, reprise push stores it  /c/s3.jsonl
      s4  pulled; the local conversation is kept as s5  /c/s4.jsonl
      s6  failed
        went on twice [SESSION_DIVERGED]
        → --merge
        → --fork
      1 unchanged"
    `)
  })

  test('of a status', () => {
    const sessions = [
      state('s1', {}),
      state('s2', {state: 'behind'}),
      state('s3', {state: 'unstored', unstoredEntries: 3, unstoredBytes: 900, tornBytes: 7, livePid: 42}),
      state('s4', {state: 'unassured'}),
      state('s5', {state: 'diverged', unstoredEntries: 1, unstoredBytes: 100}),
      state('s6', {state: 'failed', error: evil}),
    ]
    const totals = {sessions: 6, states: {}, live: 1, unstoredEntries: 4, unstoredBytes: 1000}
    const report: StatusReport = {sessions, totals, allStored: false}
    expect(statusText(report)).toMatchInlineSnapshot(`
      "s1  stored
      s2  stored; the store has more
      s3  not stored yet (3 entries, 900 B); a torn last line (7 B) is no entry yet; open in process 42
      s4  stored, but another worker may still cut it off
      s5  diverged: only here (1 entry, 100 B)
      s6  unknown
        went on twice [SESSION_DIVERGED]
        → --merge
        → --fork
      4 of 6 not stored yet (1.0 KiB): reprise push 1 still open: more may come."
    `)
    expect(statusText({...report, allStored: true})).toContain(
      'Everything here is stored. 1 still open: more may come.',
    )
  })

  test('without a session they say where to look', () => {
    const none = {sessions: 0, actions: {}, bytesUploaded: 0, bytesDownloaded: 0, partsCreated: 0, entries: 0}
    expect(pushText({sessions: [], totals: none}, {dryRun: false})).toContain('reprise push --all')
    expect(pullText({sessions: [], totals: none}, {dryRun: false})).toContain('reprise ls')
  })
})
