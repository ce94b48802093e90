import {describe, expect, test} from 'vitest'
import {sessionOf} from '../sdk/support/query.js'
import {ReferenceAdapter} from '../support/reference-adapter.js'
import {answerOf, ask, openSessions, twice} from './sdk-support.js'
import {difference} from './support/difference.js'
import {Fleet, noClaude} from './support/fleet.js'
import type {PlaceName} from './support/places.js'

const TALK = 'bash: echo hi;;agent: bash: echo sub,,say: sub done;;say: all done'
const MINUTE = 60_000
const places: readonly PlaceName[] = ['file', 's3']

const recalled = (...prompts: readonly string[]): string => prompts.join(' | ')

describe.skipIf(noClaude).each(places)(`one session by SDK and command line, %s store ${noClaude ?? ''}`, (place) => {
  test.each(['plain', 'leased', 'reference'] as const)(
    'mirrored on a (%s), resumed by reprise on b, by the SDK on c: the model has all, readers have it once',
    {timeout: 120_000},
    async (by) => {
      await using fleet = await Fleet.start({place})
      const [a, b, c] = [await fleet.worker('a'), await fleet.worker('b'), await fleet.worker('c')]
      const lease = by === 'leased'
      await using onA = openSessions(fleet.place, {lease})
      const sessionStore = by === 'reference' ? new ReferenceAdapter(fleet.place.store) : onA
      const id = sessionOf(await ask(a, TALK, {sessionStore, sessionStoreFlush: 'eager'}))
      expect(await onA.close()).toMatchObject({complete: true})

      const onB = await b.run(['resume', id, '--', '-p', 'recall:', '--allowedTools', 'Bash'])
      expect(onB).toMatchObject({code: 0, stdout: `${recalled(TALK, 'recall:')}\n`})

      await using withC = openSessions(fleet.place, {lease})
      const onC = await ask(c, 'recall:', {sessionStore: withC, resume: id})
      expect(answerOf(onC)).toBe(recalled(TALK, 'recall:', 'recall:'))
      expect(await withC.close()).toMatchObject({complete: true})

      await using reader = openSessions(fleet.place)
      const entries = (await reader.load({projectKey: '-elsewhere', sessionId: id})) ?? []
      const loaded = entries.map((entry) => JSON.stringify(entry))
      expect(twice(loaded)).toEqual([])
      const lines = await b.lines(id)
      expect(difference(loaded.slice(0, lines.length), lines)).toBe('')
      // What reprise took over from the reference's parts, its reader sees twice within the grace.
      const once = (all: readonly string[]) => (by === 'reference' ? [...new Set(all)].toSorted() : all)
      expect(difference(once(await fleet.stored(id)), once(loaded))).toBe('')
    },
  )

  test(
    'the file that its first claude left is brought together with what others went on with',
    {timeout: 120_000},
    async () => {
      await using fleet = await Fleet.start({place})
      const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
      await using onA = openSessions(fleet.place)
      const id = sessionOf(await ask(a, TALK, {sessionStore: onA}))
      await onA.close()
      const left = await a.lines(id)
      await using onB = openSessions(fleet.place)
      await ask(b, 'say: from b', {sessionStore: onB, resume: id})
      await onB.close()

      const back = await a.run(['resume', id, '--', '-p', 'recall:'])
      expect(back).toMatchObject({code: 0, stdout: `${recalled(TALK, 'say: from b', 'recall:')}\n`})
      const lines = await a.lines(id)
      expect(difference(lines.slice(0, left.length), left)).toBe('')
      expect(twice(lines)).toEqual([])

      await using again = openSessions(fleet.place)
      const last = await ask(b, 'recall:', {sessionStore: again, resume: id})
      expect(answerOf(last)).toBe(recalled(TALK, 'say: from b', 'recall:', 'recall:'))
      expect(await again.close()).toMatchObject({complete: true})
      await using reader = openSessions(fleet.place)
      const loaded = (await reader.load({projectKey: '-elsewhere', sessionId: id})) ?? []
      const ours = loaded.map((entry) => JSON.stringify(entry))
      expect(difference(ours.slice(0, lines.length), lines)).toBe('')
      expect(twice(ours)).toEqual([])
      // Within the grace their reader may see a line twice; never a loss, and the last is the last.
      const within = await fleet.stored(id)
      expect(new Set(within)).toEqual(new Set(ours))
      expect(within.at(-1)).toBe(ours.at(-1))
      const {server} = fleet.place
      if (!server) return
      server.clock.offsetMs += 11 * MINUTE
      expect(await a.run(['compact', id])).toMatchObject({code: 0})
      expect(difference(await fleet.stored(id), ours)).toBe('')
    },
  )
})
