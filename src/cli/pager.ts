import {type ChildProcess, spawn} from 'node:child_process'
import type {Runtime} from './runtime.js'
import {isClosedPipe, writeOut} from './standard-output.js'

/** Colours pass, what fits on one screen is left standing, and the screen is not cleared at the end. */
const DEFAULT = 'less -FRX'
/** What a shell is needed for. */
const SHELL = /[|&;<>()$`\\"'*?[\]#~=%{}!]/u
/** Written at once: a reader sees the first of it soon, and many small writes are one. */
const CHUNK = 64 * 1024

/** Whole lines, in pieces. */
type Text = Iterable<string> | AsyncIterable<string>

export interface PageOptions {
  /** As a person wrote it; `cat` or nothing: none. Default: `PAGER`, else less. */
  readonly pager?: string | undefined
}

/**
 * Shows a text through the user's pager, where somebody sits at a terminal; elsewhere it goes to stdout. Whoever quits the pager, or
 * closes the pipe, has seen enough: that is no error.
 *
 * @param text the same each time that it is called: where there is no such pager it is written from the beginning.
 */
export async function pageOut(runtime: Runtime, text: () => Text, {pager}: PageOptions = {}): Promise<void> {
  const {screen, env, settings} = runtime
  const command = (pager ?? env['PAGER'] ?? DEFAULT).trim()
  const paged = screen.stdoutIsTerminal && !settings.noInput && command !== '' && command !== 'cat'
  if (paged && (await pageThrough(runtime, command, text))) return
  if (paged && command !== DEFAULT) {
    runtime.warn({
      code: 'PAGER_NOT_FOUND',
      message: `there is no pager ${JSON.stringify(command)}: all is written at once`,
    })
  }
  for await (const chunk of inChunks(text())) {
    if (runtime.signal.aborted) return
    await writeOut(process.stdout, chunk)
  }
}

/** @returns false when there is no such pager. */
async function pageThrough(runtime: Runtime, command: string, text: () => Text): Promise<boolean> {
  const [program = '', ...args] = SHELL.test(command) ? ['/bin/sh', '-c', command] : command.split(/\s+/)
  // Ctrl-C is the pager's: it may stop a search, and ends neither it nor us.
  runtime.handOverSignals()
  process.on('SIGINT', doNothing)
  const child = spawn(program, args, {stdio: ['pipe', 'inherit', 'inherit'], env: runtime.env})
  try {
    const ended = endOf(child)
    await feed(child, text, ended)
    const exitCode = await ended
    // As shells say it.
    return exitCode !== 'not-found' && exitCode !== 127 && exitCode !== 126
  } finally {
    process.removeListener('SIGINT', doNothing)
  }
}

function doNothing(): void {}

async function endOf(child: ChildProcess): Promise<number | 'not-found' | null> {
  return new Promise((resolve) => {
    child.once('error', () => resolve('not-found'))
    child.once('close', (code) => resolve(code))
  })
}

async function feed(child: ChildProcess, text: () => Text, ended: Promise<unknown>): Promise<void> {
  const {stdin} = child
  if (!stdin) return
  let isGone = false
  stdin.on('error', (error) => {
    if (!isClosedPipe(error)) child.kill()
    isGone = true
  })
  void ended.then(() => (isGone = true))
  for await (const chunk of inChunks(text())) {
    if (isGone) return
    // Until the pager has taken it, or has gone.
    await Promise.race([new Promise((resolve) => stdin.write(chunk, resolve)), ended])
  }
  stdin.end()
}

async function* inChunks(pieces: Text): AsyncIterable<string> {
  let waiting = ''
  let isFirst = true
  for await (const piece of pieces) {
    waiting += piece
    if (!isFirst && waiting.length < CHUNK) continue
    yield waiting
    waiting = ''
    isFirst = false
  }
  if (waiting !== '') yield waiting
}
