import {describe, expect, test} from 'vitest'
import {difference} from './support/difference.js'
import {eventually, Fleet, noClaude, onlySession} from './support/fleet.js'
import {keysOf, type PlaceName} from './support/places.js'

const places: readonly PlaceName[] = ['file', 's3']

describe.skipIf(noClaude)(`who may write a session ${noClaude ?? ''}`, () => {
  test.each(places)(
    'of two that resume at once one goes on, a third waits its turn: %s store',
    {timeout: 60_000},
    async (place) => {
      await using fleet = await Fleet.start({place})
      const [a, b, c] = [await fleet.worker('a'), await fleet.worker('b'), await fleet.worker('c')]
      await a.run(['run', '--task', 'T', '--', '-p', 'say: begun'])
      const id = await onlySession(a)
      const racers = [b, c].map((worker) => ({
        worker,
        running: worker.start(['resume', 'T', '--json', '--', '-p', `hold: said by ${worker.name}`]),
      }))
      const first = await Promise.race(racers.map(async (racer) => ({racer, end: await racer.running.finished})))
      const {racer: loser, end} = first
      const winner = racers.find((racer) => racer !== loser)
      expect(end.code).toBe(4)
      const {error} = JSON.parse(end.stdout) as {error: {code: string; message: string; suggestions: string[]}}
      expect(error.code).toBe('LEASE_HELD')
      const held = /held by process (\d+) on (\w) until (\S+)$/.exec(error.message)
      expect(held?.slice(1, 3)).toEqual([String(winner?.running.pid), winner?.worker.name])
      expect(Date.parse(held?.[3] ?? '') - Date.now()).toBeGreaterThan(30_000)
      expect(error.suggestions.join()).toMatch(/--wait.*--fork.*--force/)

      const waiting = a.start(['resume', 'T', '--wait', '30s', '--', '-p', 'say: my turn'])
      await eventually(() => waiting.output().stderr.includes('waiting for it'))
      await winner?.worker.model.untilAsked('hold:')
      winner?.worker.model.release()
      expect(await winner?.running.finished).toMatchObject({code: 0, stdout: `said by ${winner?.worker.name}\n`})
      expect(await waiting.finished).toMatchObject({code: 0, stdout: 'my turn\n'})
      const lines = await a.lines(id)
      expect(difference(await fleet.stored(id), lines)).toBe('')
      const said = [b, c].filter(({name}) => lines.some((line) => line.includes(`"text":"said by ${name}"`)))
      expect(said).toEqual([winner?.worker])
    },
  )

  test('a session that is taken over by force', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const running = a.start(['run', '--task', 'T', '--', '-p', 'hold: said by a'])
    await a.model.untilAsked('hold:')
    const id = await eventually(async () => onlySession(a))
    await eventually(async () => (await fleet.stored(id)).length > 0)
    expect(await b.run(['resume', 'T', '--force', '--', '-p', 'say: mine now'])).toMatchObject({code: 0})
    const taken = await fleet.stored(id)
    expect(difference(taken, await b.lines(id))).toBe('')

    const lost = await running.finished
    expect(lost.code).toBe(4)
    const path = await a.transcript(id)
    expect(lost.stderr.split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(
        /^reprise: another worker has taken over session \S+: from now on nothing of this session is stored$/,
      ),
      expect.stringContaining(`It is kept in ${path}`),
    ])
    expect((await a.lines(id)).length).toBeGreaterThan(0)
    expect(difference(await fleet.stored(id), taken)).toBe('')
    expect((await keysOf(fleet.place.store, '.reprise/late/')).length).toBe(0)
    expect(await a.run(['pull', 'T'])).toMatchObject({code: 0})
    // What its claude put down on its way out has no uuid, and is kept.
    const kept = (await a.lines(id)).filter((line) => !line.includes('"type":"cost-state"') || taken.includes(line))
    expect(difference(kept, taken)).toBe('')
  })
})
