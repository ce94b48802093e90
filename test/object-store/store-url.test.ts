import * as fc from 'fast-check'
import {inspect, isDeepStrictEqual} from 'node:util'
import {describe, expect, test} from 'vitest'
import {hasCode} from '../../src/base/errors.js'
import {
  encodeSegment,
  formatStoreUrl,
  openPlaceholders,
  parseStoreUrl,
  resolvePlaceholders,
} from '../../src/object-store/store-url.js'

const parse = (text: string) => parseStoreUrl(text, {cwd: '/home/w/project'})

describe('parseStoreUrl', () => {
  test.each([
    ['s3://bucket', {kind: 's3', bucket: 'bucket', prefix: ''}, 's3://bucket'],
    ['s3://bucket/', {kind: 's3', bucket: 'bucket', prefix: ''}, 's3://bucket'],
    ['S3://bucket/a/b', {kind: 's3', bucket: 'bucket', prefix: 'a/b/'}, 's3://bucket/a/b'],
    ['s3://bucket//a//b//', {kind: 's3', bucket: 'bucket', prefix: 'a/b/'}, 's3://bucket/a/b'],
    ['s3://my.bucket-1/{task}', {kind: 's3', bucket: 'my.bucket-1', prefix: '{task}/'}, 's3://my.bucket-1/{task}'],
    ['s3://b-x--use1-az1--x-s3/p', {kind: 's3', bucket: 'b-x--use1-az1--x-s3', prefix: 'p/'}, undefined],
    ['s3://bucket/@home/ü', {kind: 's3', bucket: 'bucket', prefix: '@home/ü/'}, undefined],
    ['file:///srv/store', {kind: 'file', dir: '/srv/store', prefix: ''}, 'file:///srv/store'],
    ['file:///', {kind: 'file', dir: '/', prefix: ''}, 'file:///'],
    ['file://localhost/srv/', {kind: 'file', dir: '/srv', prefix: ''}, 'file:///srv'],
    ['file:///srv/a%20b', {kind: 'file', dir: '/srv/a b', prefix: ''}, 'file:///srv/a b'],
    ['file:///srv/{user}/x', {kind: 'file', dir: '/srv', prefix: '{user}/x/'}, 'file:///srv/{user}/x'],
    ['/srv/what?#100%', {kind: 'file', dir: '/srv/what?#100%', prefix: ''}, 'file:///srv/what%3F%23100%25'],
    ['store', {kind: 'file', dir: '/home/w/project/store', prefix: ''}, 'file:///home/w/project/store'],
    ['../other/{task}', {kind: 'file', dir: '/home/w/other', prefix: '{task}/'}, 'file:///home/w/other/{task}'],
  ])('reads %s', (text, url, printed) => {
    const parsed = parse(text)
    expect(parsed).toEqual(url)
    expect(formatStoreUrl(parsed)).toBe(printed ?? text)
    expect(parse(formatStoreUrl(parsed))).toEqual(parsed)
  })

  test.each([
    ['', 'is empty'],
    ['s3://', 'no valid bucket'],
    ['s3:///prefix', 'no valid bucket'],
    ['s3://UPPER/x', 'no valid bucket'],
    ['s3://a..b/x', 'no valid bucket'],
    ['s3://{task}/x', 'no valid bucket'],
    ['s3://bucket/a/../b', "'..'"],
    ['s3://bucket/./b', "'.'"],
    ['s3://bucket/{session}', 'unknown placeholder {session}'],
    ['s3://bucket/{}', 'unknown placeholder'],
    ['s3://bucket/a{b', 'brace'],
    ['s3://bucket/p?region=x', 'query'],
    ['s3://bucket/p#x', 'fragment'],
    ['file:///srv?x=1', 'query'],
    ['file://server/share', 'host'],
    ['file:///a%00b', 'control'],
    ['s3://bucket/a\nb', 'control'],
    ['/srv/a\u0000b', 'control'],
    ['https://example.com/x', "'https://'"],
    ['gs://bucket/x', "'gs://'"],
  ])('refuses %j', (text, problem) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({kind: 'usage', code: 'STORE_URL_INVALID'}))
    expect(() => parse(text)).toThrow(problem)
  })

  test.each([
    's3://AKIAIOSFODNN7EXAMPLE:top/secret@bucket/p',
    's3://AKIAIOSFODNN7EXAMPLE:topsecret@bucket',
    'file://me:topsecret@host/x',
    's3://me:topsecret/x',
  ])('refuses and masks credentials: %s', (text) => {
    const message = inspect(attempt(() => parse(text)))
    expect(message).not.toMatch(/topsecret|top\/secret|IOSFODNN7|me:/)
    expect(message).toContain('***')
  })

  test('refuses with one of our errors or gives a URL that reads back as itself', () => {
    const holds = fc.check(
      fc.property(fc.string({unit: 'grapheme'}), (text) => {
        const url = attempt(() => parse(`s3://bucket/${text}`))
        if (url instanceof Error) return hasCode(url, 'STORE_URL_INVALID')
        return isDeepStrictEqual(parse(formatStoreUrl(url)), url) && (url.prefix === '' || url.prefix.endsWith('/'))
      }),
    )
    expect(holds).toMatchObject({failed: false, counterexample: null})
  })
})

describe('placeholders', () => {
  test('are filled where a value is given and stay open elsewhere', () => {
    const url = parse('s3://bucket/t/{task}/m-{machine}/{task}')
    expect(openPlaceholders(url)).toEqual(['task', 'machine'])
    const resolved = resolvePlaceholders(url, {task: 'a/b'})
    expect(resolved).toEqual({kind: 's3', bucket: 'bucket', prefix: 't/a%2Fb/m-{machine}/a%2Fb/'})
    expect(openPlaceholders(resolved)).toEqual(['machine'])
  })

  test.each([
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['a.b', 'a.b'],
    ['a b', 'a%20b'],
    ['{user}', '%7Buser%7D'],
    ['50%', '50%25'],
    ['ü', '%C3%BC'],
    ['$&', '%24%26'],
  ])('a value %j is one segment', (value, segment) => {
    expect(resolvePlaceholders(parse('/s/{task}'), {task: value}).prefix).toBe(`${segment}/`)
  })

  test('an empty value is refused', () => {
    expect(() => resolvePlaceholders(parse('/s/{user}'), {user: ''})).toThrow(
      expect.objectContaining({code: 'PLACEHOLDER_EMPTY', kind: 'usage'}),
    )
  })

  test('different values never share a segment, and none leaves its place', () => {
    fc.assert(
      fc.property(fc.string({unit: 'grapheme', minLength: 1}), (value) => {
        const segment = encodeSegment(value)
        expect(segment).toMatch(/^[\w.%-]+$/)
        expect(decodeURIComponent(segment)).toBe(value)
        expect(['.', '..']).not.toContain(segment)
      }),
    )
  })
})

function attempt<T>(run: () => T): T | Error {
  try {
    return run()
  } catch (error) {
    return error as Error
  }
}
