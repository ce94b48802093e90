import {execFile, execFileSync} from 'node:child_process'
import {closeSync, constants, openSync, readSync} from 'node:fs'
import {mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {appendLines, streamLines, writeLines} from '../../src/metrics/line-sink.js'
import {compile} from '../launch/support/compiled.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprise-lines-'))
})

afterEach(async () => rm(directory, {recursive: true, force: true}))

describe('where lines go', () => {
  test('a file is appended to, and is its owner’s alone', async () => {
    const path = join(directory, 'metrics.log')
    for (const line of ['one\n', 'two\n']) {
      const sink = appendLines(path)
      sink.write(line)
      sink.close()
    }
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('a file that cannot be opened is an error before anything starts', () => {
    expect(() => appendLines(join(directory, 'none', 'metrics.log'))).toThrow(
      expect.objectContaining({kind: 'permission', code: 'METRICS_FILE_UNWRITABLE'}),
    )
  })

  test('lines of several processes do not mix', async () => {
    await using compiled = await compile(['metrics/line-sink.ts'])
    const path = join(directory, 'metrics.log')
    const program = join(directory, 'write.mjs')
    await writeFile(
      program,
      `import {appendLines} from ${JSON.stringify(compiled.url('metrics/line-sink.js'))}
const sink = appendLines(${JSON.stringify(path)})
for (let at = 0; at < 400; at++) sink.write(process.argv[2].repeat(9_000) + '\\n')
sink.close()
`,
    )
    await Promise.all(['a', 'b', 'c'].map(async (letter) => promisify(execFile)(process.execPath, [program, letter])))
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1)
    expect(lines).toHaveLength(1_200)
    expect(lines.filter((line) => !/^(?:a{9000}|b{9000}|c{9000})$/.test(line))).toEqual([])
  })

  test('a line that was cut off is ended before the next one', () => {
    // A pipe that is full takes a part of a line and refuses the rest, as a full disk does.
    const path = join(directory, 'pipe')
    execFileSync('mkfifo', [path])
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    try {
      const sink = writeLines(pipe)
      expect(() => sink.write(`${'x'.repeat(4 << 20)}\n`)).toThrow(expect.objectContaining({code: 'EAGAIN'}))
      const cut = drain(pipe)
      expect(cut).toMatch(/^x+$/)
      sink.write('next\n')
      sink.write('last\n')
      expect(drain(pipe)).toBe('\nnext\nlast\n')
    } finally {
      closeSync(pipe)
    }
  })

  test('a stream is written to, and not ended', () => {
    const written: string[] = []
    const sink = streamLines({write: (text) => written.push(text)})
    sink.write('one\n')
    sink.close()
    expect(written).toEqual(['one\n'])
  })
})

function drain(descriptor: number): string {
  const chunk = Buffer.alloc(1 << 20)
  let text = ''
  for (;;) {
    try {
      text += chunk.toString('utf8', 0, readSync(descriptor, chunk))
    } catch {
      return text
    }
  }
}
