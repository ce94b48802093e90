/** Tokens as the model's provider counts them. */
export interface Tokens {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
}

export const NO_TOKENS: Tokens = {input: 0, output: 0, cacheRead: 0, cacheWrite: 0}

/** What one answer of the model took. */
export interface MessageUsage {
  readonly id: string
  readonly model?: string
  /** ISO 8601 in UTC. */
  readonly time?: string
  readonly tokens: Tokens
}

/**
 * Tokens by answer. Agents write one answer in several entries, each with the usage so far, and forks repeat them: of entries with one
 * id the largest usage counts.
 */
export class UsageLedger {
  readonly #messages = new Map<string, MessageUsage>()

  add(usage: MessageUsage): void {
    const known = this.#messages.get(usage.id)
    if (known && sumOf(known.tokens) >= sumOf(usage.tokens)) return
    // The first time is the answer's; the place in the map stays, too.
    const time = known?.time ?? usage.time
    this.#messages.set(usage.id, {...usage, ...(time !== undefined && {time})})
  }

  merge(other: UsageLedger): void {
    for (const usage of other.messages()) this.add(usage)
  }

  /** In the order in which the answers began. */
  messages(): IterableIterator<MessageUsage> {
    return this.#messages.values()
  }

  get size(): number {
    return this.#messages.size
  }

  total(): Tokens {
    let total = NO_TOKENS
    for (const {tokens} of this.messages()) total = plus(total, tokens)
    return total
  }

  /** Most tokens first; what names no model stands under an empty name. */
  byModel(): readonly {readonly model: string; readonly answers: number; readonly tokens: Tokens}[] {
    const models = new Map<string, {model: string; answers: number; tokens: Tokens}>()
    for (const {model = '', tokens} of this.messages()) {
      const known = models.get(model) ?? {model, answers: 0, tokens: NO_TOKENS}
      models.set(model, {model, answers: known.answers + 1, tokens: plus(known.tokens, tokens)})
    }
    return [...models.values()].toSorted((a, b) => sumOf(b.tokens) - sumOf(a.tokens))
  }
}

export function plus(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  }
}

export function sumOf({input, output, cacheRead, cacheWrite}: Tokens): number {
  return input + output + cacheRead + cacheWrite
}
