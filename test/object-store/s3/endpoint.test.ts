import {describe, expect, test} from 'vitest'
import {isLinkLocal, mayTurnVirtual, parseEndpoint, startsWithPath} from '../../../src/object-store/s3/endpoint.js'
import {storeLookup} from '../../../src/object-store/s3/lookup.js'
import {openS3ObjectStore} from '../../../src/object-store/s3/s3-object-store.js'

const REFUSED = expect.objectContaining({kind: 'usage', code: 'ENDPOINT_REFUSED'})

describe('endpoints', () => {
  test.each([
    'http://169.254.169.254',
    'https://169.254.169.254/latest',
    'http://169.254.170.2',
    'http://0xA9FEA9FE',
    'http://2852039166',
    'http://[fe80::1]:9000',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[fd00:ec2::254]',
    'http://instance-data',
    'http://instance-data.ec2.internal',
    'http://INSTANCE-DATA.',
    'http://metadata.google.internal',
  ])('link-local is refused, insecure or not: %s', (endpoint) => {
    expect(() => parseEndpoint(endpoint, false)).toThrow(REFUSED)
    expect(() => parseEndpoint(endpoint, true)).toThrow(/link-local/)
  })

  test.each([
    'http://127.0.0.1:9000',
    'http://127.8.8.8',
    'http://[::1]:9000',
    'http://localhost',
    'http://b.localhost:1',
  ])('plain http on the loopback is fine: %s', (endpoint) => {
    expect(parseEndpoint(endpoint, false).protocol).toBe('http:')
  })

  test.each(['http://minio.example', 'http://10.0.0.1:9000', 'http://localhost.example', 'http://[2001:db8::1]'])(
    'plain http beyond it needs insecure: %s',
    (endpoint) => {
      expect(() => parseEndpoint(endpoint, false)).toThrow(REFUSED)
      expect(parseEndpoint(endpoint, true).protocol).toBe('http:')
    },
  )

  test.each(['ftp://host', 'host:9000', '', 'https://host/?a=b', 'https://host/#x'])('no endpoint: %j', (endpoint) => {
    expect(() => parseEndpoint(endpoint, true)).toThrow(REFUSED)
  })

  test('credentials are refused and not shown', async () => {
    const failure = await openS3ObjectStore({bucket: 'bucket', endpoint: 'https://me:topsecret@host'}).catch(String)
    expect(failure).toContain('credentials')
    expect(failure).not.toMatch(/topsecret|me:/)
  })

  test.each([
    ['http://127.0.0.1:9000', true, false],
    ['https://10.0.0.1', true, false],
    ['https://minio.example', true, true],
    ['https://s3.eu-west-1.amazonaws.com', false, true],
    ['https://vpce-1.s3.eu-west-1.vpce.amazonaws.com', false, true],
    [undefined, false, false],
  ])('auto addressing of %s', (endpoint, path, virtual) => {
    const url = endpoint === undefined ? undefined : new URL(endpoint)
    expect(startsWithPath('auto', url)).toBe(path)
    expect(mayTurnVirtual('auto', url)).toBe(virtual)
    expect(startsWithPath('path', url)).toBe(true)
    expect(startsWithPath('virtual', url)).toBe(false)
    expect(mayTurnVirtual('path', url)).toBe(false)
  })

  test('names below localhost lead here, addresses are told apart', async () => {
    const address = await new Promise((resolve) => {
      storeLookup('bucket.localhost', {}, (_error, found) => resolve(found))
    })
    expect(address).toBe('127.0.0.1')
    expect(isLinkLocal('fe80::1%eth0')).toBe(true)
    expect(isLinkLocal('169.253.1.1')).toBe(false)
  })
})
