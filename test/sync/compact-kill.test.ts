import {hostname} from 'node:os'
import {setTimeout as delay} from 'node:timers/promises'
import {expect, test} from 'vitest'
import {pushSession} from '../../src/sync/push-session.js'
import {openPlace} from '../e2e/support/places.js'
import {countParts, delivered, HOME, referenceLines, SUBPATH} from '../support/compactable.js'
import {makeCliHome} from '../support/run-reprise.js'
import {Rng} from '../support/simulation/rng.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const isFull = process.env['FULL'] === '1'
const ROUNDS = isFull ? 100 : 10
const SEED = Number(process.env['SEED'] ?? 20261121)

/** A transcript that grows by a part a line. */
class Growing {
  text = ''
  readonly #worker: SyncWorker
  readonly #subpath: string | undefined
  #lines = 0

  constructor(worker: SyncWorker, subpath?: string) {
    this.#worker = worker
    this.#subpath = subpath
  }

  async grow(lines: number): Promise<void> {
    for (let line = 0; line < lines; line++) {
      this.text += message(`${this.#subpath ?? 'main'}-${this.#lines++}`)
      await this.#worker.write(HOME, this.text, SESSION, this.#subpath)
      await pushSession(this.#worker.context, await this.#worker.session())
    }
  }
}

/** Doubles are allowed until the deletes, gaps and another order are not, and the last line is the last. */
function expectNothingLost(found: string, text: string): void {
  const [lines, wanted] = [found, text].map((each) => each.split('\n').slice(0, -1))
  expect(new Set(lines)).toEqual(new Set(wanted))
  expect(lines?.at(-1)).toBe(wanted?.at(-1))
}

test(`compact is killed ${ROUNDS} times (seed ${SEED}), and nothing is lost`, {timeout: ROUNDS * 20_000}, async () => {
  const rng = new Rng(SEED)
  await using here = await makeCliHome()
  await using place = await openPlace('s3', here.home)
  const {store, server, env} = place
  if (!server) throw new Error('an S3 place has a server')
  await using worker = await SyncWorker.start(store, hostname())
  const [main, sub] = [new Growing(worker), new Growing(worker, SUBPATH)]
  const compact = ['compact', SESSION, '--grace', '0s', '--json', '--concurrency', '4']
  let killed = 0
  for (let round = 0; round < ROUNDS; round++) {
    await main.grow(12)
    await sub.grow(6)
    const last = server.requests.entries.length + rng.int(3, 70)
    server.settings.latencyMs = 5
    const run = here.start(compact, {env})
    const isAlive = (): boolean => run.exitCode === null
    while (isAlive() && server.requests.entries.length < last) await delay(1)
    run.kill('SIGKILL')
    if ((await run).signal === 'SIGKILL') killed++
    server.settings.latencyMs = 0
    // What the dead process had sent arrives all the same.
    await delay(50)
    expect([await delivered(store), await delivered(store, SUBPATH)]).toEqual([main.text, sub.text])
    expectNothingLost(await referenceLines(store), main.text)
    expectNothingLost(await referenceLines(store, SUBPATH), sub.text)
  }
  expect(killed).toBeGreaterThan(ROUNDS / 3)
  expect(await here.run(compact, {env})).toMatchObject({exitCode: 0, stderr: ''})
  expect([await delivered(store), await delivered(store, SUBPATH)]).toEqual([main.text, sub.text])
  expect([await referenceLines(store), await referenceLines(store, SUBPATH)]).toEqual([main.text, sub.text])
  expect(await countParts(store)).toBeLessThanOrEqual(12)
  expect(await countParts(store, SUBPATH)).toBeLessThanOrEqual(12)
})
