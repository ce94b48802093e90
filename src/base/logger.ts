/** Facts of one log line. Never a secret, never transcript content, never the agent's arguments. */
export type LogFields = Readonly<Record<string, unknown>>

/** Structured logging as the core sees it. `enabled` lets a hot path skip gathering its fields. */
export interface Logger {
  readonly enabled: boolean
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const silentLogger: Logger = {enabled: false, debug() {}, info() {}, warn() {}, error() {}}
