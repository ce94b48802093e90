import {hostname} from 'node:os'
import {setTimeout as delay} from 'node:timers/promises'
import {expect} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {PrefixedObjectStore} from '../../src/object-store/prefixed.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {pushSession} from '../../src/sync/push-session.js'
import {openAt, type ServerAddress} from '../object-store/s3/support.js'
import {countParts, delivered, HOME, referenceLines, SUBPATH} from './compactable.js'
import {makeCliHome} from './run-reprise.js'
import {Rng} from './simulation/rng.js'
import {message, SESSION, SyncWorker} from './sync-worker.js'

export const STORM_ROUNDS = process.env['FULL'] === '1' ? 100 : 10
export const STORM_SEED = Number(process.env['SEED'] ?? 20261121)
export const STORM_TIMEOUT = STORM_ROUNDS * 20_000

/** A server of S3, and what it was asked so far. */
export interface StormServer extends ServerAddress {
  readonly asked: () => number
  /** Holds each request up from now on, ms. */
  readonly slow: (ms: number) => void
}

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

/**
 * `compact` is killed in the middle, again and again: nothing is lost, and the next one finishes.
 *
 * @returns how often it was killed before it had ended.
 */
export async function compactInStorm(server: StormServer): Promise<number> {
  const rng = new Rng(STORM_SEED)
  await using here = await makeCliHome()
  const url = `s3://${server.bucket}/transcripts/`
  const bucket = new RetryingObjectStore(await openAt(server), {clock: systemClock, random: systemRandom})
  const store = new PrefixedObjectStore(bucket, 'transcripts/', url)
  const env = {
    REPRISE_STORE: url,
    REPRISE_ENDPOINT_URL: server.endpoint,
    REPRISE_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  }
  await using worker = await SyncWorker.start(store, hostname())
  const [main, sub] = [new Growing(worker), new Growing(worker, SUBPATH)]
  const compact = ['compact', SESSION, '--grace', '0s', '--json', '--concurrency', '4']
  let killed = 0
  for (let round = 0; round < STORM_ROUNDS; round++) {
    await main.grow(12)
    await sub.grow(6)
    const last = server.asked() + rng.int(3, 70)
    server.slow(5)
    const run = here.start(compact, {env})
    const isAlive = (): boolean => run.exitCode === null
    while (isAlive() && server.asked() < last) await delay(1)
    run.kill('SIGKILL')
    if ((await run).signal === 'SIGKILL') killed++
    server.slow(0)
    // What the dead process had sent arrives all the same.
    await delay(50)
    expect([await delivered(store), await delivered(store, SUBPATH)]).toEqual([main.text, sub.text])
    expectNothingLost(await referenceLines(store), main.text)
    expectNothingLost(await referenceLines(store, SUBPATH), sub.text)
  }
  expect(await here.run(compact, {env})).toMatchObject({exitCode: 0, stderr: ''})
  expect([await delivered(store), await delivered(store, SUBPATH)]).toEqual([main.text, sub.text])
  expect([await referenceLines(store), await referenceLines(store, SUBPATH)]).toEqual([main.text, sub.text])
  expect(await countParts(store)).toBeLessThanOrEqual(12)
  expect(await countParts(store, SUBPATH)).toBeLessThanOrEqual(12)
  await store.close()
  return killed
}

/** Doubles are allowed until the deletes, gaps and another order are not, and the last line is the last. */
function expectNothingLost(found: string, text: string): void {
  const [lines, wanted] = [found, text].map((each) => each.split('\n').slice(0, -1))
  expect(new Set(lines)).toEqual(new Set(wanted))
  expect(lines?.at(-1)).toBe(wanted?.at(-1))
}
