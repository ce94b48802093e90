import {
  type DefaultRenderer,
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
  type SimpleRenderer,
} from 'listr2'
import {sanitizeLine} from '../view/sanitize.js'
import type {ProgressTask} from '../base/progress.js'
import type {OpenProgress} from './progress.js'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

/**
 * Steps as lines that move, drawn by listr2. listr2 wants to know its tasks before it starts, a use case begins them as
 * it goes: so steps gather in waves. Those begun while a wave is on the screen follow in the next.
 */
export class LiveProgress implements OpenProgress {
  #waiting: Step[] = []
  #wave: Step[] = []
  #drawing: Promise<void> | undefined

  task(title: string): ProgressTask {
    const step = new Step(title)
    this.#waiting.push(step)
    this.#drawing ??= this.#draw()
    return step
  }

  /** Ends with the last step; steps that nobody ended are shown as failed. */
  async close(): Promise<void> {
    while (this.#drawing !== undefined) {
      for (const step of this.#waiting) step.abandon()
      for (const step of this.#wave) step.abandon()
      await this.#drawing
    }
  }

  async #draw(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      this.#wave = this.#waiting
      this.#waiting = []
      await waveOf(this.#wave).run()
    }
    this.#wave = []
    this.#drawing = undefined
  }
}

function waveOf(steps: readonly Step[]): Listr {
  const output = new ProcessOutput(process.stderr, process.stderr)
  return new Listr(
    steps.map((step) => ({title: step.title, task: async (_: unknown, row: Row) => step.show(row)})),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: 'default',
      fallbackRenderer: 'simple',
      rendererOptions: {
        logger: new ListrLogger({useIcons: false, toStderr: [], processOutput: output}),
        collapseErrors: false,
      },
    },
  )
}

class Step implements ProgressTask {
  title: string
  readonly #ended: Promise<string | undefined>
  #end: (failure: string | undefined) => void = () => {}
  #row: Row | undefined
  #output = ''

  constructor(title: string) {
    this.title = sanitizeLine(title)
    this.#ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  update(text: string): void {
    this.#output = sanitizeLine(text)
    if (this.#row) this.#row.output = this.#output
  }

  succeed(text?: string): void {
    this.#retitle(text)
    this.#end(undefined)
  }

  fail(text?: string): void {
    this.#retitle(text)
    this.#end(this.title)
  }

  abandon(): void {
    this.#end(this.title)
  }

  async show(row: Row): Promise<void> {
    this.#row = row
    row.title = this.title
    if (this.#output !== '') row.output = this.#output
    const failure = await this.#ended
    if (failure !== undefined) throw new Error(failure)
  }

  #retitle(text: string | undefined): void {
    if (text === undefined) return
    this.title = sanitizeLine(text)
    if (this.#row) this.#row.title = this.title
  }
}
