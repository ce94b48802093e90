import {describe, expect, test} from 'vitest'
import {isSameRegistry, parseRegistryUrl} from '../../src/registry/registry-url.js'

describe('the registry as a setting says it', () => {
  test.each([
    ['store', {kind: 'store'}],
    ['dynamodb://tasks', {kind: 'dynamodb', table: 'tasks'}],
    ['dynamodb://tasks/', {kind: 'dynamodb', table: 'tasks'}],
    [
      'dynamodb://a.b_c-9?region=eu-central-1&index=by-session&ttl=90d',
      {kind: 'dynamodb', table: 'a.b_c-9', region: 'eu-central-1', index: 'by-session', ttlDays: 90},
    ],
  ])('%s', (text, url) => {
    expect(parseRegistryUrl(text)).toEqual(url)
  })

  test.each([
    '',
    'Store',
    'dynamodb:tasks',
    'dynamodb://',
    'dynamodb://ab',
    'dynamodb://user:pw@tasks',
    'dynamodb://tasks/x',
    'dynamodb://tasks#x',
    'dynamodb://tasks?ttl=0d',
    'dynamodb://tasks?ttl=90',
    'dynamodb://tasks?ttl=99999d',
    'dynamodb://tasks?region=EU%20x',
    'dynamodb://tasks?index=',
    'dynamodb://tasks?endpoint=http://x',
    's3://bucket',
  ])('%j is refused', (text) => {
    expect(() => parseRegistryUrl(text)).toThrow(expect.objectContaining({code: 'REGISTRY_INVALID', kind: 'usage'}))
  })

  test.each([
    ['store', 'store', true],
    ['store', 'dynamodb://tasks', false],
    ['dynamodb://tasks', 'dynamodb://other', false],
    ['dynamodb://tasks?region=a-1', 'dynamodb://tasks?region=a-1&ttl=5d', true],
    ['dynamodb://tasks?region=a-1', 'dynamodb://tasks?region=b-1', false],
    ['dynamodb://tasks', 'dynamodb://tasks?region=b-1&index=abc', true],
    ['dynamodb://tasks', 'postgres://later', false],
    ['postgres://later', 'postgres://later', true],
  ])('%s and %s: one registry? %s', (one, other, same) => {
    expect([isSameRegistry(one, other), isSameRegistry(other, one)]).toEqual([same, same])
  })
})
