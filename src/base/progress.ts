/**
 * How a use case tells what it is doing. It knows nothing of terminals: the command line renders this on stderr, a
 * library caller passes {@link silentProgress}.
 */
export interface Progress {
  /** Begins a step. Steps may overlap; each must end in `succeed` or `fail`. */
  task(title: string): ProgressTask
}

export interface ProgressTask {
  /** What the step is doing now, a few words (`12 of 40 parts`). May be called often: rendering is throttled. */
  update(text: string): void
  succeed(text?: string): void
  fail(text?: string): void
}

const silentTask: ProgressTask = {update() {}, succeed() {}, fail() {}}

export const silentProgress: Progress = {task: () => silentTask}
