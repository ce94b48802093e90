import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {maskSecrets} from '../../src/base/mask.js'
import {startCpuTime} from '../support/cpu-time.js'

const KEY_ID = ['AKIA', 'IOSFODNN7EXAMPLE'].join('')
const SECRET = ['wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY'].join('')
const SIGNATURE = 'fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024'

describe('maskSecrets', () => {
  test.each([
    ['access key id', `no such key ${KEY_ID}.`, KEY_ID.slice(4)],
    ['temporary key id', `key ASIA${KEY_ID.slice(4)}`, KEY_ID.slice(4)],
    ['bare secret key', `got ${SECRET} here`, SECRET],
    ['secret in a config', `aws_secret_access_key = ${SECRET}`, SECRET],
    ['secret in JSON', JSON.stringify({secretAccessKey: 'short-secret'}), 'short-secret'],
    ['secret in the environment', 'AWS_SECRET_ACCESS_KEY=minio-secret', 'minio-secret'],
    ['session token', 'AWS_SESSION_TOKEN=IQoJb3JpZ2luX2VjEXAMPLE//token==', 'IQoJb3JpZ2lu'],
    ['security token header', 'x-amz-security-token: IQoJb3JpZ2luX2VjEXAMPLE', 'IQoJb3JpZ2lu'],
    ['presigned URL', `https://b.example/k?X-Amz-Signature=${SIGNATURE}&X-Amz-Date=1`, SIGNATURE],
    [
      'authorization header',
      `Authorization: AWS4-HMAC-SHA256 Credential=${KEY_ID}/2026/s3, Signature=${SIGNATURE}`,
      SIGNATURE,
    ],
    ['authorization in JSON', `{"authorization":"Basic dXNlcjpwYXNz","a":1}`, 'dXNlcjpwYXNz'],
    ['bearer token', 'sent Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['API key', 'key sk-ant-api03-abc_DEF-123', 'abc_DEF'],
    ['userinfo', 'https://user:pass@host/path', 'pass'],
    ['userinfo with an @', 's3://AKID:se@cret@bucket/p', 'cret'],
    ['XML of a refused signature', `<SignatureProvided>${SIGNATURE}</SignatureProvided>`, SIGNATURE],
  ])('takes out: %s', (_name, text, secret) => {
    expect(maskSecrets(text)).not.toContain(secret)
    expect(maskSecrets(text)).toContain('***')
  })

  test('keeps what surrounds a secret', () => {
    expect(maskSecrets('https://user:pass@host/path?a=1')).toBe('https://***@host/path?a=1')
    expect(maskSecrets(`{"authorization":"Basic x","a":1}`)).toBe(`{"authorization":"***","a":1}`)
  })

  test.each([
    ['digests', `sha256 ${SIGNATURE}`],
    ['session ids', 'session 3f0c1f8e-1f4b-4d0a-9a52-7a1f3c1b2d3e'],
    ['part names', 'part-1763736000000-a1b2c3.jsonl'],
    ['URLs without userinfo', 's3://bucket/prefix/@home'],
    ['ordinary prose', 'The signature does not match; check the secret access key.'],
  ])('leaves alone: %s', (_name, text) => {
    expect(maskSecrets(text)).toBe(text)
  })

  test('never throws, and a masked text stays as it is', () => {
    const fragment = fc.oneof(
      fc.string({unit: 'binary'}),
      fc.constantFrom(KEY_ID, SECRET, SIGNATURE, '://', '@', 'Bearer ', 'Authorization: ', 'X-Amz-Signature=', '***'),
      fc.constantFrom('sk-ant-', 'secretAccessKey":"', 'session_token=', '"', "'", ' ', '\n', '<StringToSign>'),
    )
    fc.assert(
      fc.property(fc.array(fragment, {maxLength: 12}), (fragments) => {
        const once = maskSecrets(fragments.join(''))
        expect(maskSecrets(once)).toBe(once)
      }),
      {numRuns: 2000},
    )
  })

  test('takes linear time on hostile text', () => {
    const text = 'a'.repeat(200_000) + '://' + 'b'.repeat(200_000)
    const cpuTime = startCpuTime()
    maskSecrets(text)
    expect(cpuTime()).toBeLessThan(2000)
  })
})
