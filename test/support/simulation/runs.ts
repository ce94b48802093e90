/** Whole runs of those who merge and mend beside each other: tells when one writes what it planned before all of another's. */
export class Runs {
  readonly #count: (what: string) => void
  #changed: {readonly name: string; readonly began: number}[] = []

  constructor(count: (what: string) => void) {
    this.#count = count
  }

  /** A run has ended that changed something. @param began as the network counts. */
  ended(name: string, began: number): void {
    this.#changed = [...this.#changed.filter((run) => run.name !== name), {name, began}]
  }

  /** A process writes by what it listed then. */
  writes(name: string, listedAt: number): void {
    for (const run of this.#changed)
      if (run.name !== name && run.began > listedAt) this.#count(`${kindOf(name)} slept through ${kindOf(run.name)}`)
  }
}

function kindOf(name: string): string {
  return name.charAt(0)
}
