import {expect, test} from 'vitest'
import {compactInStorm, STORM_ROUNDS, STORM_SEED, STORM_TIMEOUT} from '../support/compact-storm.js'
import {startStrictS3} from '../support/strict-s3/index.js'

test(
  `compact is killed ${STORM_ROUNDS} times (seed ${STORM_SEED}), and nothing is lost`,
  {timeout: STORM_TIMEOUT},
  async () => {
    const server = await startStrictS3()
    try {
      const slow = (ms: number): void => void (server.settings.latencyMs = ms)
      const killed = await compactInStorm({...server, asked: () => server.requests.entries.length, slow})
      expect(killed).toBeGreaterThan(STORM_ROUNDS / 3)
    } finally {
      await server.close()
    }
  },
)
