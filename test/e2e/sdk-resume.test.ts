import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {conversation, sessionOf} from '../sdk/support/query.js'
import {loadReference} from '../support/reference-adapter.js'
import {RESET_BEFORE} from '../support/strict-s3/index.js'
import {answerOf, ask, mirroredOf, openSessions, twice} from './sdk-support.js'
import {difference} from './support/difference.js'
import {Fleet, noClaude, onlyCopy} from './support/fleet.js'
import {keysOf, type PlaceName} from './support/places.js'

const TALK = 'bash: echo hi;;agent: bash: echo sub,,say: sub done;;say: all done'
const MODES: readonly (readonly [PlaceName, 'eager' | 'batched'])[] = [
  ['file', 'eager'],
  ['s3', 'batched'],
  ['s3', 'eager'],
]

describe.skipIf(noClaude)(`a session of the Agent SDK ${noClaude ?? ''}`, () => {
  test.each(MODES)(
    'on a %s store, %s, goes on in another home and directory, subagents and their metadata with it',
    {timeout: 90_000},
    async (place, sessionStoreFlush) => {
      await using fleet = await Fleet.start({place})
      const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
      await using first = openSessions(fleet.place)
      const told = await ask(a, TALK, {sessionStore: first, sessionStoreFlush})
      expect(await first.close()).toMatchObject({complete: true})
      const id = sessionOf(told)
      const lines = mirroredOf(await a.lines(id))
      expect(difference(await fleet.stored(id), lines)).toBe('')

      await using second = openSessions(fleet.place)
      const look = 'bash: cd "$CLAUDE_CONFIG_DIR" && find . -name "agent-*" | sort'
      const asked = `${look};;recall:`
      const again = await ask(b, asked, {sessionStore: second, sessionStoreFlush, resume: id})
      expect(answerOf(again)).toBe(`${TALK} | ${asked}`)
      expect(await second.close()).toMatchObject({complete: true})
      const below = [...(await onlyCopy(a, id)).keys()].filter((name) => name.includes('/subagents/'))
      expect(below).toHaveLength(2)
      const seen = JSON.stringify(b.model.requests.at(-1)?.body?.messages)
      expect(below.filter((name) => !seen.includes(name))).toEqual([])

      const stored = await fleet.stored(id)
      expect(difference(stored.slice(0, lines.length), lines)).toBe('')
      expect(twice(stored)).toEqual([])
      const home = await projectKeyFor(a.machine.cwd)
      const keys = await keysOf(fleet.place.store)
      expect(keys.filter((key) => !key.startsWith(`${home}/`) && !key.startsWith('.reprise/'))).toEqual([])
    },
  )

  test.each(['eager', 'batched'] as const)(
    '%s: a store that is down is a mirror_error, and stores what was given up when it is back',
    {timeout: 90_000},
    async (sessionStoreFlush) => {
      await using fleet = await Fleet.start({place: 's3'})
      const a = await fleet.worker('a')
      await using sessions = openSessions(fleet.place, {retries: 0})
      const texts = ['say: before', 'say: meanwhile', 'say: after']
      const talk = conversation(...texts)
      let results = 0
      let outage: {remove(): void} | undefined
      const told = await ask(a, talk.prompts, {sessionStore: sessions, sessionStoreFlush}, ({type}) => {
        if (type !== 'result') return
        results++
        if (results === 1) outage = fleet.place.server?.faults.add({fault: RESET_BEFORE})
        else outage?.remove()
        talk.next()
      })
      const id = sessionOf(told)
      const projectKey = await projectKeyFor(a.machine.cwd)
      const errors = told.filter((message) => message.type === 'system' && message.subtype === 'mirror_error')
      expect(errors[0]).toMatchObject({key: {projectKey, sessionId: id}, error: expect.stringContaining('PutObject')})
      expect(await sessions.close()).toEqual({complete: true, pendingEntries: 0, pendingBytes: 0})
      const lines = mirroredOf(await a.lines(id))
      expect(texts.filter((text) => !lines.some((line) => line.includes(text)))).toEqual([])
      expect(difference(await loadReference(fleet.place.store, {projectKey, sessionId: id}), lines)).toBe('')
    },
  )
})
