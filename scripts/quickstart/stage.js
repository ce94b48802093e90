// How the quickstart speaks: text for people, commands as they would type them, and what these print.
import {spawn} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {stripVTControlCharacters} from 'node:util'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const COLORS = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code, text) => (COLORS ? `\u001B[${code}m${text}\u001B[0m` : text)
const bold = (text) => paint('1', text)
const dim = (text) => paint('2', text)
const green = (text) => paint('32', text)

/** A step did not do what it says. */
export class StepFailed extends Error {}

let steps = 0

export function say(text = '') {
  console.log(text)
}

export function heading(text) {
  steps += 1
  console.log(`\n${bold(`${steps}. ${text}`)}`)
}

export function title(text) {
  console.log(bold(text))
}

/** Something that was looked at and is so. */
export function proved(text) {
  console.log(`   ${green('✓')} ${text}`)
}

/** @throws StepFailed */
export function check(isSo, text) {
  if (!isSo) throw new StepFailed(`This is not so: ${text}`)
  proved(text)
}

/** Runs reprise on a worker, shown with its output. @throws StepFailed when it ends with another code than `code`. */
export async function reprise(worker, args, {code = 0} = {}) {
  const {ended} = startReprise(worker, args)
  const {exitCode, output} = await ended
  if (exitCode !== code) throw new StepFailed(`reprise ${args[0]} ended with ${exitCode}, expected was ${code}.`)
  return output
}

/** The same without waiting; `kill` ends reprise and all that it started at once, as a power cut does. */
export function startReprise(worker, args) {
  return start(worker, 'reprise', args, [process.execPath, PROGRAM, ...args])
}

/** Runs any program on a worker, shown as `name` with its output. */
export async function program(worker, name, args, path = name) {
  const {exitCode} = await start(worker, name, args, [path, ...args]).ended
  if (exitCode !== 0) throw new StepFailed(`${name} ended with ${exitCode}.`)
}

function start(worker, name, args, [path, ...argv]) {
  console.log(`\n   ${dim(`${worker.name}$`)} ${bold([name, ...args.map(shown)].join(' '))}`)
  const child = spawn(path, argv, {
    cwd: worker.cwd,
    env: worker.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = new IndentedLines()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text) => lines.add(text))
  }
  const kill = () => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  process.once('exit', kill)
  const ended = new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new StepFailed(`${name} cannot be started: ${error.message}`)))
    child.once('close', (exitCode) => {
      process.removeListener('exit', kill)
      lines.end()
      resolve({exitCode, output: lines.text})
    })
  })
  return {ended, kill, pid: child.pid}
}

/** Prints what comes in, line by line, below the command that says it. */
class IndentedLines {
  text = ''
  #rest = ''

  add(text) {
    this.text += text
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#print(line)
  }

  end() {
    if (this.#rest !== '') this.#print(this.#rest)
    this.#rest = ''
  }

  #print(line) {
    console.log(`   ${stripVTControlCharacters(line)}`.trimEnd())
  }
}

function shown(argument) {
  return /^[\w@%+=:,./-]+$/u.test(argument) ? argument : `"${argument.replaceAll(/["\\$`]/gu, String.raw`\$&`)}"`
}
