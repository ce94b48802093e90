import {hostname} from 'node:os'
import {setTimeout as delay} from 'node:timers/promises'
import {expect, test} from 'vitest'
import {pushSession} from '../../src/sync/push-session.js'
import {keysOf, openPlace} from '../e2e/support/places.js'
import {delivered, HOME, listSession, referenceLines, SUBPATH} from '../support/compactable.js'
import {makeCliHome} from '../support/run-reprise.js'
import {Rng} from '../support/simulation/rng.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const isFull = process.env['FULL'] === '1'
const ROUNDS = isFull ? 100 : 8
const SEED = Number(process.env['SEED'] ?? 20261121)

test(
  `archiving is killed ${ROUNDS} times (seed ${SEED}), and nothing is lost`,
  {timeout: ROUNDS * 20_000},
  async () => {
    const rng = new Rng(SEED)
    await using here = await makeCliHome()
    await using place = await openPlace('s3', here.home)
    const {store, server, env} = place
    if (!server) throw new Error('an S3 place has a server')
    await using worker = await SyncWorker.start(store, hostname())
    const texts = new Map<string | undefined, string>([
      [undefined, ''],
      [SUBPATH, ''],
    ])
    const grow = async (round: number): Promise<void> => {
      for (const [subpath, text] of texts) {
        const grown = text + message(`${subpath}-${round}`, 'x'.repeat(rng.int(1, 2000)))
        texts.set(subpath, grown)
        await worker.write(HOME, grown, SESSION, subpath)
      }
      // Whoever held the session was killed.
      await pushSession({...worker.context, isDead: () => true}, await worker.session())
    }
    const expectWhole = async (): Promise<void> => {
      for (const [subpath, text] of texts) expect(await delivered(store, subpath)).toBe(text)
    }
    const archive = [
      'compact',
      SESSION,
      '--archive',
      'gzip',
      '--force',
      '--grace',
      '0s',
      '--json',
      '--concurrency',
      '4',
    ]
    let killed = 0
    for (let round = 0; round < ROUNDS; round++) {
      // What the last one left is gone on with as it is, or finished first.
      if (round % 3 < 2) await grow(round)
      const last = server.requests.entries.length + rng.int(3, 60)
      server.settings.latencyMs = 5
      const run = here.start(archive, {env})
      while (run.exitCode === null && server.requests.entries.length < last) await delay(1)
      run.kill('SIGKILL')
      if ((await run).signal === 'SIGKILL') killed++
      server.settings.latencyMs = 0
      // What the dead process had sent arrives all the same.
      await delay(50)
      await expectWhole()
    }
    expect(killed).toBeGreaterThan(ROUNDS / 3)
    expect(await here.run(archive, {env})).toMatchObject({exitCode: 0, stderr: ''})
    await expectWhole()
    const {transcripts} = await listSession(store)
    expect(transcripts.map(({parts}) => parts.filter(({size}) => size > 0))).toEqual([[], []])
    expect(await keysOf(store, '.reprise/archive/')).toHaveLength(2)
    // Put back it is there for readers of every kind.
    await grow(ROUNDS)
    for (const [subpath, text] of texts) expect(await referenceLines(store, subpath)).toBe(text)
  },
)
