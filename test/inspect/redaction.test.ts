import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {Redaction} from '../../src/inspect/redaction.js'
import {chars, glue, SAMPLES} from '../support/secret-samples.js'

async function redact(text: string | Uint8Array) {
  const redaction = new Redaction()
  const bytes = Buffer.from(text)
  const masked = Buffer.from(await redaction.line(bytes))
  expect(masked.length).toBe(bytes.length)
  return {text: masked.toString(), counts: redaction.counts}
}

/** What of a sample nobody may read: long runs of letters and digits, at both ends. An access key's id is no secret. */
function coresOf(sample: string): readonly string[] {
  const runs = (sample.match(/[A-Za-z0-9]{16,}/g) ?? []).filter((run) => !run.startsWith('AKIA'))
  return runs.flatMap((run) => [run.slice(0, 12), run.slice(-12)])
}

function entry(value: unknown): string {
  return `${JSON.stringify({type: 'user', message: {content: value}, uuid: 'é€😀'})}\n`
}

describe.each(Object.entries(SAMPLES))('%s', (name, sample) => {
  const rule = name.split(/[, ]/, 1)[0] ?? ''
  const cores = coresOf(sample)
  const said = `vorher é€😀 ${sample} nachher`

  test.each([
    ['in a text', entry(said)],
    ['in quoted JSON', entry(JSON.stringify({a: said, b: [1, true, null]}))],
    ['in JSON quoted twice', entry(JSON.stringify(JSON.stringify({a: said})))],
    ['beside numbers and other values', entry([{n: 1.5, t: true}, said, null, {deep: [[said]]}])],
    ['in a line that is no JSON', `${said.replaceAll('\n', ' ')} {"a":\n`],
    ['in a long line', entry([`${'x'.repeat(100_000)} `, said, 'é'.repeat(50_000)])],
  ])('%s', async (_, line) => {
    const {text, counts} = await redact(line)
    expect(cores.length).toBeGreaterThan(0)
    expect(cores.filter((core) => text.includes(core))).toEqual([])
    expect(counts[rule]).toBeGreaterThanOrEqual(1)
    expect(text).toContain('vorher é€😀 ')
    expect(text).toContain(' nachher')
    expect(isJson(text)).toBe(isJson(line))
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('a name and its value in two strings', async () => {
  const secret = chars(40)
  const {text, counts} = await redact(entry({secretAccessKey: secret, region: 'eu-central-1', count: 3}))
  expect(text).not.toContain(secret.slice(-12))
  expect(JSON.parse(text)).toMatchObject({message: {content: {region: 'eu-central-1', count: 3}}})
  expect(counts).toEqual({aws: 1})
})

test('every one of many, each counted', async () => {
  const keys = Array.from({length: 40}, (_, at) => glue('gh', 'p_', chars(30), String(100_000 + at)))
  const {text, counts} = await redact(entry(keys.join(`\n${'filler '.repeat(300)}\n`)))
  expect(keys.filter((key) => text.includes(key.slice(-12)))).toEqual([])
  expect(counts['github']).toBe(40)
})

test('a long private key, wherever it begins', async () => {
  const body = Array.from({length: 150}, (_, at) => `${chars(58)}${100_000 + at}`).join('\n')
  const key = glue('-----BEGIN ', 'PRIVATE KEY-----\n', 'MI', body, '\n-----END PRIVATE KEY-----\n')
  const token = glue('npm', '_', chars(36))
  for (const gap of [0, 3_000, 5_000, 9_000, 13_000, 17_000]) {
    const {text} = await redact(entry(`${token} ${'- '.repeat(gap / 2)}${key}`))
    expect(/1000\d\d\b|1001\d\d\b/.exec(text)).toBeNull()
  }
})

test('what looks like none stays, to the byte', async () => {
  const redaction = new Redaction()
  for (const text of [entry('hello'), entry('AKIAIOSFODNN7EXAMPLE'), '\n', '', '{"torn', '"\\']) {
    const bytes = Buffer.from(text)
    expect(Buffer.compare(await redaction.line(bytes), bytes)).toBe(0)
  }
  expect(redaction.counts).toEqual({})
})

test('whatever stands around a secret, length and JSON stay', async () => {
  const sample = fc.constantFrom(...Object.values(SAMPLES))
  const around = fc.oneof(
    fc.string({unit: 'binary', maxLength: 8}),
    fc.constantFrom('\\', '"', '\\"', '\\u', '\n', '{', '\u0000'),
  )
  const levels = fc.integer({min: 0, max: 2})
  await fc.assert(
    fc.asyncProperty(around, sample, around, levels, async (before, value, behind, quoted) => {
      let text = before + value + behind
      for (let level = 0; level < quoted; level++) text = JSON.stringify(text)
      expect(isJson((await redact(entry(text))).text)).toBe(true)
    }),
    {numRuns: 100},
  )
})

test('bytes that are no text', async () => {
  const line = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(entry(SAMPLES['github']))])
  const {counts} = await redact(line)
  expect(counts['github']).toBe(1)
})
