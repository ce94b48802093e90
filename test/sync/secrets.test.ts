import {randomBytes} from 'node:crypto'
import * as fc from 'fast-check'
import {expect, test} from 'vitest'
import {createSecretScanner, type ScanResult} from '../../src/sync/secrets.js'
import {startCpuTime} from '../support/cpu-time.js'
import {ALPHANUMERIC, glue, SAMPLES} from '../support/secret-samples.js'

function entry(text: string, type = 'user'): string {
  return `${JSON.stringify({parentUuid: null, type, message: {role: type, content: [{type: 'text', text}]}})}\n`
}

async function* inChunks(text: string | Uint8Array, size = 64 * 1024): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function scan(text: string | Uint8Array, {size = 64 * 1024, firstLine = 1} = {}): Promise<ScanResult> {
  const scanner = await createSecretScanner()
  return scanner.scan(inChunks(text, size), {file: 'a.jsonl', firstLine})
}

test.each(Object.entries(SAMPLES))('%s is found, with its line and nothing of its value', async (name, value) => {
  const rule = name.split(/[, ]/, 1)[0]
  const text = entry('hello') + entry(`before ${value} after`) + entry('bye', 'assistant')
  const {findings, more} = await scan(text, {firstLine: 41})
  expect(findings).toContainEqual({file: 'a.jsonl', rule, line: 42, entryType: 'user'})
  expect(new Set(findings.map((finding) => finding.line))).toEqual(new Set([42]))
  expect(more).toBe(0)
  for (let at = 0; at + 8 <= value.length; at++) {
    expect(JSON.stringify(findings)).not.toContain(value.slice(at, at + 8))
  }
})

test.each(Object.entries(SAMPLES))('%s is found inside quotes of quotes', async (name, value) => {
  const quoted = entry(JSON.stringify({output: JSON.stringify({text: value})}))
  const {findings} = await scan(quoted)
  expect(findings.map((finding) => finding.rule)).toContain(name.split(/[, ]/, 1)[0])
})

test('a line longer than a window is looked at to its end, whatever cuts it', async () => {
  const filler = 'lorem ipsum '.repeat(100_000)
  const text = entry('x') + entry(`${filler}${SAMPLES['github']!} ${filler}`) + entry(SAMPLES['anthropic']!)
  for (const size of [7_001, 65_536, 10_000_000]) {
    const {findings} = await scan(text, {size})
    expect(findings.map(({rule, line}) => `${rule} ${line}`)).toEqual(['github 2', 'anthropic 3'])
  }
})

test('a value that lies across two chunks or two windows is found', async () => {
  const value = SAMPLES['github']!
  const window = 1024 * 1024
  for (const before of [1, 20, 39]) {
    const text = `${'y '.repeat((window - before - (before % 2)) / 2)}${value} z\n`
    const {findings} = await scan(text, {size: window})
    expect(findings).toEqual([{file: 'a.jsonl', rule: 'github', line: 1}])
  }
})

test('a comment that switches linters off switches nothing off here', async () => {
  const {findings} = await scan(entry(`secretlint-disable\n${SAMPLES['github']!}`))
  expect(findings.map((finding) => finding.rule)).toEqual(['github'])
})

test('examples and ordinary text are no findings', async () => {
  const text = [
    'AKIAIOSFODNN7EXAMPLE',
    'toolu_01A09q90qw90lq917835lq9 msg_013Zva2CMHLNnXjNJJKqJ2EF',
    'the key: 3f2a9c1e-0000-4000-8000-000000000000',
    'https://example.com:8080/path@1.2.3 and git@github.com:a/b.git',
    'commit 0123456789abcdef0123456789abcdef01234567, sha256 of nothing',
    'set ANTHROPIC_API_KEY=sk-ant-... and GITHUB_TOKEN=ghp_xxxx',
    '-----BEGIN PUBLIC KEY-----',
  ]
  expect(await scan(text.map((each) => entry(each)).join(''))).toEqual({findings: [], more: 0})
})

test('the type of an entry is told only where it is a known one', async () => {
  const {findings} = await scan(
    entry(SAMPLES['github']!, 'assistant') +
      entry(SAMPLES['github']!, 'x'.repeat(9)) +
      `no json ${SAMPLES['github']!}\n`,
  )
  expect(findings.map((finding) => finding.entryType)).toEqual(['assistant', undefined, undefined])
})

test('findings are bounded, and so is counting', async () => {
  const line = entry(SAMPLES['gitlab']!)
  const some = await scan(line.repeat(130))
  expect([some.findings.length, some.more]).toEqual([100, 30])
  const many = await scan(line.repeat(3_000))
  expect(many.findings.length + many.more).toBe(1_000)
})

test('any bytes are taken', async () => {
  const hints = [
    'AKIA',
    '-----BEGIN ',
    'PRIVATE KEY-----',
    'ghp_',
    'sk-ant-',
    '://a:b@',
    '\\',
    '\\u00',
    '"type":',
    '{',
    '\n',
    '\0',
    'key=',
  ]
  const piece = fc.oneof(fc.constantFrom(...hints), fc.string({maxLength: 60}), fc.constant('A'.repeat(300)))
  await fc.assert(
    fc.asyncProperty(fc.array(piece, {maxLength: 60}), fc.integer({min: 1, max: 500}), async (pieces, size) => {
      const result = await scan(pieces.join(''), {size})
      expect(result.findings.every((finding) => finding.line >= 1)).toBe(true)
    }),
    {numRuns: 60},
  )
  expect((await scan(randomBytes(300_000))).more).toBe(0)
})

test('no finding holds eight characters of what it found', async () => {
  const text = fc.string({unit: fc.constantFrom(...Array.from(ALPHANUMERIC)), minLength: 130, maxLength: 130})
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('user', 'planted'), async (random, where) => {
      const value = glue('sk-ant-', 'api03-', random)
      const line = where === 'user' ? entry(value) : entry('x', value)
      const {findings} = await scan(line)
      expect(findings.length).toBeGreaterThan(0)
      const told = JSON.stringify(findings)
      for (let at = 0; at + 8 <= value.length; at++) expect(told).not.toContain(value.slice(at, at + 8))
    }),
    {numRuns: 100},
  )
})

test('a clean transcript is read fast and needs little memory', async () => {
  const line = entry(
    'The function returns `key: value` for /home/me/src/index.ts, see https://example.com/a?b=c. '.repeat(12),
  )
  const block = Buffer.from(line.repeat(Math.ceil(2 ** 18 / line.length)))
  async function* clean(): AsyncIterable<Uint8Array> {
    for (let count = 0; count < 200; count++) yield block
  }
  const scanner = await createSecretScanner()
  const [before, cpuTime] = [process.memoryUsage().rss, startCpuTime()]
  expect(await scanner.scan(clean(), {file: 'a', firstLine: 1})).toEqual({findings: [], more: 0})
  const seconds = cpuTime() / 1000
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  // A tenth of what it does on an idle machine.
  expect((200 * block.length) / 1e6 / seconds).toBeGreaterThan(15)
})
