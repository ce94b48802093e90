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
      if (result.output !== undefined) keepAnswerDate(result.output.$metadata, headers ?? {})
      return result
    },
    {step: 'deserialize', priority: 'high', name: 'repriseAnswerDate', override: true},
  )
}

/** The same for an answer that the SDK has not seen. */
export function keepAnswerDate(metadata: object, headers: Readonly<Record<string, string | undefined>>): void {
  const date = Date.parse(headers['date'] ?? '')
  if (!Number.isNaN(date)) dates.set(metadata, date)
}

/** The `Date` header of the answer, ms since the epoch. */
export function answerDate({$metadata}: {readonly $metadata: object}): number | undefined {
  return dates.get($metadata)
}
