import {setTimeout as delay} from 'node:timers/promises'
import {describe, expect, test} from 'vitest'
import {RESET_BEFORE, SLOW_DOWN, type Fault} from '../support/strict-s3/index.js'
import {difference} from './support/difference.js'
import {eventually, Fleet, type FleetWorker, noClaude, onlySession} from './support/fleet.js'

const HANG: Fault = {type: 'hang'}
const QUICK = ['--timeout', '2s', '--retries', '1', '--grace', '2s']

async function begun(fleet: Fleet, a: FleetWorker) {
  const running = a.start(['run', '--task', 'T', ...QUICK, '--', '-p', 'hold: said during the outage'])
  await a.model.untilAsked('hold:')
  const id = await eventually(async () => onlySession(a))
  await eventually(async () => (await fleet.stored(id)).length > 0)
  return {running, id}
}

describe.skipIf(noClaude)(`the store goes away ${noClaude ?? ''}`, () => {
  test.each([
    ['answers 503', SLOW_DOWN],
    ['resets', RESET_BEFORE],
  ])('and comes back: %s, and all is stored', {timeout: 60_000}, async (_, fault) => {
    await using fleet = await Fleet.start({place: 's3'})
    const a = await fleet.worker('a')
    const {running, id} = await begun(fleet, a)
    const handle = fleet.place.server?.faults.add({fault})
    a.model.release()
    await eventually(() => running.output().stdout.includes('said during the outage'))
    await eventually(() => (handle?.hits ?? 0) > 2)
    handle?.remove()
    expect(await running.finished).toMatchObject({code: 0})
    expect(difference(await fleet.stored(id), await a.lines(id))).toBe('')
    expect((await a.lines(id)).some((line) => line.includes('"text":"said during the outage"'))).toBe(true)
  })

  test.each([
    ['answers 503', SLOW_DOWN],
    ['hangs', HANG],
  ])('and stays away: %s, exit 6 names the local file, a push stores it later', {timeout: 60_000}, async (_, fault) => {
    await using fleet = await Fleet.start({place: 's3'})
    const a = await fleet.worker('a')
    const {running, id} = await begun(fleet, a)
    const handle = fleet.place.server?.faults.add({fault})
    a.model.release()
    await eventually(() => running.output().stdout.includes('said during the outage'))
    // Whoever sits there has seen the answer, and claude has ended: they will not wait for the rest.
    await delay(1_000)
    running.signal('SIGTERM')
    const asked = performance.now()
    const {code, stderr} = await running.finished
    const waited = performance.now() - asked
    expect(code).toBe(6)
    expect(stderr).toContain(`It is kept in ${await a.transcript(id)}`)
    expect(stderr).not.toContain('..')
    expect(waited).toBeLessThan(20_000)
    handle?.remove()
    expect((await fleet.stored(id)).length).toBeLessThan((await a.lines(id)).length)
    expect(await a.run(['push', id])).toMatchObject({code: 0})
    expect(difference(await fleet.stored(id), await a.lines(id))).toBe('')
  })
})
