import {expect, onTestFinished, test, vi} from 'vitest'
import {silentLogger} from '../../../src/base/logger.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {openStore} from '../../../src/cli/open-store.js'
import {openerOf} from '../../../src/library/open-object-store.js'
import {resolveSettings} from '../../../src/cli/settings.js'
import {OVERWRITE} from '../../../src/object-store/object-store.js'
import {SLOW_DOWN} from '../../support/strict-s3/index.js'
import {MIB, noise, stream, text, useStrictServer} from './support.js'

const s3 = useStrictServer()

/** The store as the command line opens it. Waits take no time. */
async function opened(flags: Readonly<Record<string, string>>) {
  const {bucket, endpoint, accessKeyId, secretAccessKey} = s3.server
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
  onTestFinished(() => void vi.unstubAllEnvs())
  const settings = resolveSettings({
    flags: {'endpoint-url': endpoint, region: s3.server.region, ...flags},
    sources: new Map([...Object.keys(flags), 'endpoint-url', 'region'].map((name) => [name, `--${name}`])),
    config: {path: '/config.json', values: {}},
    env: {},
    workingDirectory: '/',
    dataDirectory: '/',
  })
  return openStore(
    {kind: 's3', bucket, prefix: ''},
    {
      settings,
      clock: {...systemClock, sleep: async () => {}},
      random: systemRandom,
      logger: silentLogger,
      env: {},
      observe: () => {},
    },
  )
}

test.each([
  ['0', 1],
  ['2', 3],
  ['4', 5],
])('with --retries %s a request is sent %i times', async (retries, times) => {
  s3.server.faults.add({fault: SLOW_DOWN})
  const open = await opened({retries})
  await expect(open.store.put('a', text('a'), {mode: OVERWRITE})).rejects.toMatchObject({code: 'STORE_THROTTLED'})
  expect(s3.server.requests.count('PutObject')).toBe(times)
  expect(open.totals().requests.put).toBe(times)
  await open.store.close()
})

test('also the parts of an upload, whose source is read once', async () => {
  s3.server.faults.add({fault: SLOW_DOWN, when: {operation: 'UploadPart'}})
  const open = await opened({retries: '2'})
  const body = stream(noise(17 * MIB))
  await expect(open.store.put('a', body, {mode: OVERWRITE})).rejects.toMatchObject({code: 'STORE_THROTTLED'})
  // Two lanes, each with a part of its own.
  expect(s3.server.requests.count('UploadPart')).toBeLessThanOrEqual(6)
  expect(body.opened()).toBe(1)
  expect(open.totals().requests.put).toBe(1)
  await open.store.close()
})

test('a store that a program opens repeats no request in two places either', async () => {
  const {bucket, endpoint, region, accessKeyId, secretAccessKey} = s3.server
  s3.server.faults.add({fault: SLOW_DOWN, when: {operation: 'UploadPart'}})
  const settings = {retries: 1, s3: {endpoint, region, credentials: {accessKeyId, secretAccessKey}}}
  const store = await openerOf(`s3://${bucket}/p/`, settings, silentLogger, () => {})()
  onTestFinished(async () => store.close())
  const put = store.put('a', stream(noise(17 * MIB)), {mode: OVERWRITE})
  await expect(put).rejects.toMatchObject({code: 'STORE_THROTTLED'})
  expect(s3.server.requests.count('UploadPart')).toBeLessThanOrEqual(4)
})
