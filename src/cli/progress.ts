import {type Progress, type ProgressTask, silentProgress} from '../base/progress.js'
import {sanitizeLine} from '../view/sanitize.js'

export interface ProgressOptions {
  /** `--quiet` or `--json`: nothing. */
  readonly silent: boolean
  /** stderr is a terminal and no log is written to it. */
  readonly live: boolean
}

/** A progress that must be closed before anything else is written to stderr. */
export interface OpenProgress extends Progress {
  close(): Promise<void>
}

/** Live lines on a terminal, plain ones elsewhere, none when silent. All on stderr: stdout carries results only. */
export async function openProgress(options: ProgressOptions): Promise<OpenProgress> {
  if (options.silent) return {...silentProgress, async close() {}}
  if (!options.live) return plainProgress((line) => void process.stderr.write(line))
  const {LiveProgress} = await import('./live-progress.js')
  return new LiveProgress()
}

/** One line when a step ends; what happens within a step is not told, since a log is read later. */
export function plainProgress(write: (line: string) => void): OpenProgress {
  const end = (mark: string, text: string): void => write(`${mark} ${sanitizeLine(text)}\n`)
  const task = (title: string): ProgressTask => ({
    update() {},
    succeed: (text) => end('✔', text ?? title),
    fail: (text) => end('✖', text ?? title),
  })
  return {task, async close() {}}
}
