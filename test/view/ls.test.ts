import {expect, test} from 'vitest'
import type {ListedSession} from '../../src/sync/list-sessions.js'
import {lsText} from '../../src/view/ls.js'

const NOW = Date.parse('2026-01-10T00:00:00Z')

function row(sessionId: string, more: Partial<ListedSession> = {}): ListedSession {
  return {sessionId, projectKey: '-code-shop', agent: 'claude', source: 'store', ...more}
}

const rows = [
  row('12345678-2222-4333-8444-555555555555', {
    title: 'Fix the \u001B[31mbuild\u001B[0m\nnow',
    updatedAt: '2026-01-09T22:00:00.000Z',
    cwd: '/site/shop',
    machine: 'box',
    entries: 12,
    bytes: 143_360,
  }),
  row('12345679-2222-4333-8444-555555555555', {firstPrompt: 'hello', bytes: 10}),
]

test('rows for people: shortest ids that differ, what others wrote cleaned', () => {
  expect(lsText(rows, {now: NOW, width: 100, idsOnly: false})).toMatchInlineSnapshot(`
    "SESSION   ACTIVE  TITLE              CWD         MACHINE  ENTRIES     SIZE
    12345678  2h ago  Fix the build now  /site/shop  box           12  140 KiB
    12345679          hello              -code-shop                       10 B
    "
  `)
})

test('for programs ids are whole, and nothing is cut', () => {
  const text = lsText(rows, {now: NOW, width: Infinity, idsOnly: false})
  expect(text).toContain('12345678-2222-4333-8444-555555555555')
  expect(lsText(rows, {now: NOW, width: Infinity, idsOnly: true}).split('\n')).toEqual(
    rows.map(({sessionId}) => sessionId),
  )
})

test('ids alike in their first eight characters are shown longer', () => {
  const alike = [row('12345678-2222-4333-8444-555555555555'), row('12345678-2233-4333-8444-555555555555')]
  expect(lsText(alike, {now: NOW, width: 100, idsOnly: false})).toContain('12345678-223 ')
})

test('nothing to list says what to do', () => {
  expect(lsText([], {now: NOW, width: 80, idsOnly: false})).toContain('reprise push --all')
  expect(lsText([], {now: NOW, width: 80, idsOnly: true})).toBe('')
})
