import assert from 'node:assert/strict'
import {newKey, PROJECT, rejection, said, sameEntries, stored} from './entries.js'
import {sessionStoreCase} from './target.js'

const ODD_BUT_SAFE = [
  'task 42',
  'v1.2-rc.3',
  '.hidden',
  '...',
  '~home',
  'a+b&c=d?e#f%2Fg',
  `quotes"and'`,
  '*[x]{y}<z>|',
  'Ünïcode-é',
  '日本語',
  '👩‍👩‍👧',
  'trailing.',
  '-rf',
  'CON',
  'x'.repeat(200),
]

const UNSAFE = ['', '.', '..', 'a/b', '../a', '/a', 'a/', 'a\\b', 'a\u0000b', 'a\nb', '\ud800', 'x'.repeat(5000)]

const UNSAFE_SUBPATHS = ['../x', 'a/../../x', '/etc/x', 'a//b', 'a/./b', 'a/', 'subagents/a\u0000', '..\\x', 'C:/x']

export const keyCases = [
  sessionStoreCase('odd but safe session ids and project keys', [], async ({store, again}) => {
    const transcripts = ODD_BUT_SAFE.flatMap((odd) => [
      {key: {projectKey: PROJECT, sessionId: odd}, entries: [said(odd)]},
      {key: {projectKey: odd, sessionId: 'session'}, entries: [said(odd)]},
    ])
    for (const {key, entries} of transcripts) await store.append(key, entries)
    const other = await again()
    for (const {key, entries} of transcripts) {
      sameEntries(await stored(other, key), entries)
      const listed = (await store.listSessions(key.projectKey)).map(({sessionId}) => sessionId)
      assert.ok(listed.includes(key.sessionId), `${JSON.stringify(key)} is listed`)
    }
    assert.equal((await store.listSessions(PROJECT)).length, ODD_BUT_SAFE.length)
  }),

  sessionStoreCase('one session id under two project keys is two sessions', [], async ({store}) => {
    const here = newKey('-work')
    const there = {...here, projectKey: '-code-2'}
    const [a, b] = [said('here'), said('there')]
    await store.append(here, [a])
    await store.append(there, [b])
    sameEntries(await stored(store, here), [a])
    sameEntries(await stored(store, there), [b])
    assert.equal((await store.listSessions('-work')).length, 1)
    await store.delete(here)
    assert.equal(await store.load(here), null)
    sameEntries(await stored(store, there), [b])
    assert.deepEqual(await store.listSessions('-work'), [])
  }),

  sessionStoreCase(
    'what cannot be part of a key is refused, and nothing is stored',
    ['checked-keys'],
    async ({store}) => {
      const safe = newKey()
      const keys = [
        ...UNSAFE.flatMap((text) => [
          {...safe, sessionId: text},
          {...safe, projectKey: text},
        ]),
        ...UNSAFE_SUBPATHS.map((subpath) => ({...safe, subpath})),
      ]
      for (const key of keys) {
        const what = JSON.stringify(key).slice(0, 200)
        await rejection(async () => store.append(key, [said('x')]), `append to ${what}`)
        await rejection(async () => store.load(key), `load of ${what}`)
        await rejection(async () => store.delete(key), `delete of ${what}`)
      }
      assert.deepEqual(await store.listSessions(PROJECT), [])
      assert.deepEqual(await store.listSubkeys(safe), [])
    },
  ),
]
