import {describe, expect, test} from 'vitest'
import {resolveSettings, type Settings} from '../../src/cli/settings.js'

function settingsOf(flags: Readonly<Record<string, string>>): Settings {
  return resolveSettings({
    flags,
    sources: new Map(Object.keys(flags).map((name) => [name, `--${name}`])),
    config: {path: 'config.json', values: {}},
    env: {},
    workingDirectory: '/code',
    dataDirectory: '/data',
  })
}

describe('values that make no sense are refused', () => {
  test.for([
    ['concurrency', ['0', '-1', '257', '1.5', '1e3', '9999999999', 'many']],
    ['retries', ['-1', '21', '0.5', '']],
    ['timeout', ['0', '0s', '0ms', '-1s', '25d', '9999w', '5']],
  ] as const)('--%s', ([name, values]) => {
    for (const value of values) {
      expect(() => settingsOf({[name]: value}), value).toThrow(expect.objectContaining({kind: 'usage'}))
      expect(() => settingsOf({[name]: value}), value).toThrow(new RegExp(`^--${name}: `, 'u'))
    }
  })

  test('those at the borders are taken', () => {
    expect(settingsOf({concurrency: '256', retries: '0', timeout: '1ms'})).toMatchObject({
      concurrency: 256,
      retries: 0,
      timeoutMs: 1,
    })
    expect(settingsOf({concurrency: '1', retries: '20', timeout: '24d'})).toMatchObject({concurrency: 1, retries: 20})
  })
})
