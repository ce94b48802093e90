/** The part of an AWS client's middleware stack that is needed here, whatever its service. */
export interface DeserializeStack {
  add(
    middleware: (next: (args: never) => Promise<Answer>) => (args: never) => Promise<Answer>,
    options: {step: 'deserialize'; priority: 'high'; name: string; override: true},
  ): void
}

interface Answer {
  readonly response: unknown
  readonly output?: {readonly $metadata: object} | undefined
}

const dates = new WeakMap<object, number>()

/** Keeps the `Date` header of each answer for {@link answerDate}: the service's clock, which the SDK drops. */
export function keepAnswerDates(stack: DeserializeStack): void {
  stack.add(
    (next) => async (args) => {
      const result = await next(args)
      const {headers} = result.response as {readonly headers?: Readonly<Record<string, string>>}
      const date = Date.parse(headers?.['date'] ?? '')
      if (!Number.isNaN(date) && result.output !== undefined) dates.set(result.output.$metadata, date)
      return result
    },
    {step: 'deserialize', priority: 'high', name: 'repriseAnswerDate', override: true},
  )
}

/** The `Date` header of the answer, ms since the epoch. */
export function answerDate({$metadata}: {readonly $metadata: object}): number | undefined {
  return dates.get($metadata)
}
