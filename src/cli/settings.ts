import {homedir} from 'node:os'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'
import {hasCode, RepriseError} from '../base/errors.js'
import {parseRegistryUrl} from '../registry/registry-url.js'
import {parseByteSize} from './byte-size.js'
import {parseWait} from './duration.js'
import type {Environment, FlagSources} from './environment.js'
import type {UserConfig} from './user-config.js'

/** What a run was told, from whatever source, checked and in the units of the code. */
export interface Settings {
  /** At least one. The first is the one that is written to. */
  readonly stores: readonly string[]
  readonly registry: string
  readonly profile: string | undefined
  readonly region: string | undefined
  readonly endpointUrl: string | undefined
  readonly addressing: Addressing
  readonly sse: string | undefined
  readonly sseKmsKeyId: string | undefined
  readonly storageClass: string | undefined
  readonly expectedBucketOwner: string | undefined
  readonly insecure: boolean
  readonly concurrency: number
  readonly timeoutMs: number
  readonly retries: number
  /** Absolute; undefined: Claude's own default. */
  readonly configDir: string | undefined
  /** Absolute. */
  readonly cwd: string
  readonly claudeBin: string | undefined
  /** What to do about secrets in what is uploaded. */
  readonly secrets: SecretsMode
  /** Parts of a transcript past which who appends to it compacts it; 0: nobody does. */
  readonly compactAt: number
  /** Sessions of more bytes are not brought here. */
  readonly maxBytes: number
  /** `emf`, `otel`, or the absolute path of a file; undefined: no metrics. */
  readonly metrics: string | undefined
  readonly metricsNamespace: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly logFormat: LogFormat | undefined
  /** Absolute. */
  readonly logFile: string | undefined
  readonly noColor: boolean
  readonly noInput: boolean
}

export type Addressing = 'auto' | 'path' | 'virtual'
export type SecretsMode = 'warn' | 'block' | 'off'
export type LogFormat = 'text' | 'json'

export interface SettingsSources {
  /** As parsed, the environment already in them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly sources: FlagSources
  readonly config: UserConfig
  readonly env: Environment
  /** Where relative paths begin. */
  readonly workingDirectory: string
  readonly dataDirectory: string
}

/** Keys that `config.json` may hold: the shared flags that are not about one run, and none that lowers safety. */
export const CONFIG_KEYS: ReadonlySet<string> = new Set([
  'store',
  'registry',
  'profile',
  'region',
  'endpoint-url',
  'addressing',
  'sse',
  'sse-kms-key-id',
  'storage-class',
  'expected-bucket-owner',
  'concurrency',
  'timeout',
  'retries',
  'config-dir',
  'claude-bin',
  'quiet',
  'verbose',
  'log-format',
  'log-file',
  'no-color',
  'no-input',
  'secrets',
  'compact-at',
  'max-bytes',
])

/**
 * Flag, then environment, then the user's `config.json`, then the default.
 * @throws SETTING_INVALID (usage), naming the source and the key; DURATION_INVALID.
 */
export function resolveSettings(from: SettingsSources): Settings {
  const look = new Lookup(from)
  const path = (key: string) => look.text(key, (value) => resolve(from.workingDirectory, expandHome(value)))
  return {
    stores: look.texts('store') ?? [pathToFileURL(join(from.dataDirectory, 'store')).href],
    registry: look.text('registry', registryUrl) ?? 'store',
    profile: look.text('profile'),
    region: look.text('region'),
    endpointUrl:
      (from.sources.has('endpoint-url') ? undefined : sharedEndpoint(from.env)) ?? look.text('endpoint-url', endpoint),
    addressing: look.text('addressing', oneOf(['auto', 'path', 'virtual'])) ?? 'auto',
    sse: look.text('sse', oneOf(['AES256', 'aws:kms', 'aws:kms:dsse'])),
    sseKmsKeyId: look.text('sse-kms-key-id'),
    storageClass: look.text('storage-class'),
    expectedBucketOwner: look.text('expected-bucket-owner', account),
    insecure: look.switch('insecure'),
    concurrency: look.text('concurrency', whole(1, 256)) ?? 64,
    timeoutMs: look.text('timeout', (value, source) => parseWait(value, source, 1)) ?? 60_000,
    retries: look.text('retries', whole(0, 20)) ?? 4,
    configDir: path('config-dir'),
    cwd: path('cwd') ?? from.workingDirectory,
    claudeBin: look.text('claude-bin'),
    secrets: look.text('secrets', oneOf(['warn', 'block', 'off'])) ?? 'warn',
    compactAt: look.text('compact-at', whole(0, 1_000_000)) ?? 64,
    maxBytes: look.text('max-bytes', byteSize) ?? 5_000_000_000,
    metrics: look.text('metrics', (value) =>
      ['emf', 'otel'].includes(value) ? value : resolve(from.workingDirectory, expandHome(value)),
    ),
    metricsNamespace: look.text('metrics-namespace'),
    json: look.switch('json'),
    quiet: look.switch('quiet'),
    verbose: look.switch('verbose'),
    logFormat: look.text('log-format', oneOf(['text', 'json'])),
    logFile: path('log-file'),
    noColor: look.switch('no-color'),
    noInput: look.switch('no-input'),
  }
}

type Read<T> = (value: string, source: string) => T

class Lookup {
  readonly #from: SettingsSources

  constructor(from: SettingsSources) {
    this.#from = from
  }

  text(key: string): string | undefined
  text<T>(key: string, read: Read<T>): T | undefined
  text(key: string, read: Read<unknown> = (value) => value): unknown {
    const found = this.#find(key)
    if (found === undefined) return undefined
    // A person writes "retries": 4 in JSON, not "4".
    const value = typeof found.value === 'number' ? String(found.value) : found.value
    if (typeof value === 'string' && value !== '') return read(value, found.source)
    throw invalid(found.source, 'a text that is not empty is expected here.')
  }

  texts(key: string): readonly string[] | undefined {
    const found = this.#find(key)
    if (found === undefined) return undefined
    const values: unknown[] = Array.isArray(found.value) ? found.value : [found.value]
    const texts = values.filter((value) => typeof value === 'string' && value !== '') as string[]
    if (texts.length > 0 && texts.length === values.length) return texts
    throw invalid(found.source, 'one text or a list of texts is expected here, none of them empty.')
  }

  switch(key: string): boolean {
    const found = this.#find(key)
    if (found === undefined) return false
    if (typeof found.value === 'boolean') return found.value
    throw invalid(found.source, 'true or false is expected here.')
  }

  #find(key: string): {readonly value: unknown; readonly source: string} | undefined {
    const {flags, sources, config} = this.#from
    const source = sources.get(key)
    if (source !== undefined) return {value: flags[key], source}
    const value = config.values[key]
    return value === undefined ? undefined : {value, source: `${config.path}, "${key}"`}
  }
}

/** The variable that other tools on such buckets read too: below our own flag and variable, above `config.json`. */
function sharedEndpoint(env: Environment): string | undefined {
  const value = env['AWS_S3_ENDPOINT']
  return value === undefined || value === '' ? undefined : endpoint(value, 'AWS_S3_ENDPOINT')
}

function endpoint(value: string, source: string): string {
  if (/^https?:\/\/[^/]/u.test(value) && URL.canParse(value)) return value
  throw invalid(source, 'a URL that begins with http:// or https:// is expected here.')
}

function registryUrl(value: string, source: string): string {
  try {
    parseRegistryUrl(value)
    return value
  } catch (error) {
    throw hasCode(error, 'REGISTRY_INVALID') ? invalid(source, error.message, error.suggestions) : error
  }
}

function account(value: string, source: string): string {
  if (/^\d{12}$/u.test(value)) return value
  throw invalid(source, `${JSON.stringify(value)} is no AWS account: twelve digits are expected.`)
}

function oneOf<const T extends string>(options: readonly T[]): Read<T> {
  return (value, source) => {
    const option = options.find((candidate) => candidate === value)
    if (option !== undefined) return option
    throw invalid(source, `${JSON.stringify(value)} is none of ${options.join(', ')}.`)
  }
}

function whole(least: number, most: number): Read<number> {
  return (value, source) => {
    const number = /^\d{1,9}$/u.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    throw invalid(source, `${JSON.stringify(value)} is no whole number from ${least} to ${most}.`)
  }
}

function byteSize(value: string, source: string): number {
  const bytes = parseByteSize(value)
  if (bytes !== undefined) return bytes
  throw invalid(source, `${JSON.stringify(value)} is no size: 500MB, 5GB or a number of bytes is expected.`)
}

/** The shell leaves `~` alone in variables and in JSON. */
function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

function invalid(source: string, what: string, suggestions: readonly string[] = []): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'SETTING_INVALID',
    message: `${source}: ${what}`,
    suggestions: [...suggestions, 'Settings come from the flag, then the environment, then config.json.'],
  })
}
