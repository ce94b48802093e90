import {type LogFields, type Logger, silentLogger} from '../base/logger.js'

/** What a program logs with: a logger of pino, or another one of its shape. */
export interface ProgramLogger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Never throws: a line that is not logged must not cost an entry. */
export function loggerOf(program: ProgramLogger | undefined): Logger {
  if (!program) return silentLogger
  const say =
    (level: keyof ProgramLogger): Logger[typeof level] =>
    (message, fields = {}) => {
      try {
        program[level](fields, message)
      } catch {
        // There is nowhere left to say so.
      }
    }
  return {enabled: true, debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error')}
}
