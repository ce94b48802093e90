import {closeSync, constants, openSync, writeSync} from 'node:fs'
import {type Logger, silentLogger} from '../base/logger.js'
import {RepriseError} from '../base/errors.js'
import {escapeJson, sanitizeLine} from '../view/sanitize.js'
import type {LogFormat} from './settings.js'

export interface LogOptions {
  readonly verbose: boolean
  /** Absolute. Appended to; made with mode 0600. */
  readonly file: string | undefined
  readonly format: LogFormat | undefined
  /** Takes secrets out of every text of a line: the last gate, whatever a caller put into its fields. */
  readonly mask: (text: string) => string
}

export interface OpenLog {
  readonly logger: Logger
  close(): void
}

/**
 * A log is wanted with `--verbose` (stderr) or `--log-file`; without them this costs nothing, not even pino's import.
 * @throws LOG_FILE_UNWRITABLE (permission).
 */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  if (options.file === undefined && !options.verbose) return {logger: silentLogger, close() {}}
  const sink = options.file === undefined ? stderrSink : fileSink(options.file)
  const format = options.format ?? (options.file === undefined ? 'text' : 'json')
  const {pino} = await import('pino')
  const write = (line: string): void => {
    const masked = JSON.parse(line, (key, value: unknown) => maskField(key, value, options.mask))
    sink.write(format === 'json' ? `${escapeJson(JSON.stringify(masked))}\n` : toText(masked))
  }
  const log = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {level: (label) => ({level: label})},
    },
    {write},
  )
  const logger: Logger = {
    enabled: true,
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  }
  return {logger, close: () => sink.close()}
}

interface Sink {
  write(line: string): void
  close(): void
}

const stderrSink: Sink = {write: (line) => void process.stderr.write(line), close() {}}

function fileSink(path: string): Sink {
  const descriptor = open(path)
  let isOpen = true
  return {
    // A request that nobody waited for may end after its run.
    write: (line) => void (isOpen && writeSync(descriptor, line)),
    close() {
      isOpen = false
      closeSync(descriptor)
    },
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
  } catch (error) {
    throw new RepriseError({
      kind: 'permission',
      code: 'LOG_FILE_UNWRITABLE',
      message: `--log-file ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      suggestions: ['Name a file in a directory that exists and is yours.'],
      cause: error,
    })
  }
}

const SECRET_FIELD = /secret|token|password|authorization|credential|signature/iu

function maskField(name: string, value: unknown, mask: (text: string) => string): unknown {
  if (typeof value !== 'string') return value
  return SECRET_FIELD.test(name) ? '***' : mask(value)
}

/** `12:00:00.123 debug put key=… bytes=12`: pino's line for people. */
function toText({time, level, msg, ...fields}: Record<string, unknown>): string {
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const text = [String(time).slice(11, 23), String(level).padEnd(5), String(msg), ...pairs].join(' ')
  return `${sanitizeLine(text)}\n`
}
