import {afterAll, expect, test} from 'vitest'
import {compactInStorm, STORM_ROUNDS, STORM_SEED, STORM_TIMEOUT} from '../support/compact-storm.js'
import {CountingProxy} from '../support/counting-proxy.js'
import {startVersitygw} from '../support/servers/index.js'

const server = await startVersitygw()
if (server.endpoint === undefined) process.stderr.write(`${server.name}: not tested, ${server.reason}\n`)
const running = server.endpoint === undefined ? [] : [server]

afterAll(async () => {
  for (const each of running) await each.close()
})

test.each(running)(
  `on $name compact is killed ${STORM_ROUNDS} times (seed ${STORM_SEED}), and nothing is lost`,
  {timeout: STORM_TIMEOUT},
  async (at) => {
    await using proxy = await CountingProxy.start(at.endpoint)
    const slow = (ms: number): void => void (proxy.latencyMs = ms)
    const killed = await compactInStorm({...at, endpoint: proxy.endpoint, asked: () => proxy.requests, slow})
    expect(killed).toBeGreaterThan(STORM_ROUNDS / 3)
  },
)

test('a server that is here has been asked', () => {
  expect(running.map(({name}) => name)).toEqual(server.endpoint === undefined ? [] : [server.name])
})
