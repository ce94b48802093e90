import {boolean, string} from '@oclif/core/flags'
import type {FlagInput} from '@oclif/core/interfaces'

/**
 * Flags that lower safety have no environment variable: whoever types them must mean this one run, and a variable set by
 * something else must not.
 */
const NO_ENVIRONMENT: ReadonlySet<string> = new Set(['force', 'yes', 'insecure', 'trust-config'])

/** `endpoint-url` → `REPRISE_ENDPOINT_URL`; undefined for flags that lower safety. */
export function environmentName(flag: string): string | undefined {
  return NO_ENVIRONMENT.has(flag) ? undefined : `REPRISE_${flag.toUpperCase().replaceAll('-', '_')}`
}

/** Gives every flag its environment variable (also shown in help). Every command's `flags` go through this. */
export function withEnvironment<T extends FlagInput>(flags: T): T {
  const named = Object.entries(flags).map(([name, flag]) => {
    const env = environmentName(name)
    return [name, env === undefined ? flag : {...flag, env}] as const
  })
  return Object.fromEntries(named) as unknown as T
}

const STORE = 'STORE'
const OUTPUT = 'OUTPUT'

/** The flags of every command. Their values are read through `resolveSettings`, never straight. */
export const sharedFlags = withEnvironment({
  store: string({
    summary: 'Where sessions live: s3://bucket/prefix, file:///dir or a path.',
    description: 'Reading commands take it more than once; in the environment, separate several by commas.',
    helpValue: '<url>',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: STORE,
  }),
  registry: string({
    summary: 'Where tasks, names and leases are kept: store (default) or dynamodb://table.',
    helpValue: '<url>',
    helpGroup: STORE,
  }),
  profile: string({
    aliases: ['aws-profile'],
    summary:
      'AWS profile, for reprise alone (also --aws-profile): the environment of a claude that it starts stays as it is.',
    helpValue: '<name>',
    helpGroup: STORE,
  }),
  region: string({summary: 'AWS region.', helpValue: '<region>', helpGroup: STORE}),
  'endpoint-url': string({summary: 'S3 endpoint, for S3-compatible stores.', helpValue: '<url>', helpGroup: STORE}),
  addressing: string({
    summary: 'How the bucket stands in the URL (default: auto).',
    helpValue: '<auto|path|virtual>',
    helpGroup: STORE,
  }),
  sse: string({
    summary: 'Server-side encryption of what is written.',
    helpValue: '<AES256|aws:kms|aws:kms:dsse>',
    helpGroup: STORE,
  }),
  'sse-kms-key-id': string({summary: 'KMS key for --sse aws:kms.', helpValue: '<id>', helpGroup: STORE}),
  'storage-class': string({summary: 'Storage class of what is written.', helpValue: '<class>', helpGroup: STORE}),
  'expected-bucket-owner': string({
    summary: 'Refuse a bucket of another account.',
    helpValue: '<account>',
    helpGroup: STORE,
  }),
  insecure: boolean({summary: 'Allow plain http beyond this machine.', helpGroup: STORE}),
  concurrency: string({summary: 'Requests at once (default: 64).', helpValue: '<n>', helpGroup: STORE}),
  timeout: string({
    summary: 'Give up on a request after this long without an answer (default: 60s).',
    helpValue: '<duration>',
    helpGroup: STORE,
  }),
  retries: string({summary: 'Attempts after a failed request (default: 4).', helpValue: '<n>', helpGroup: STORE}),
  'config-dir': string({
    summary: "Claude's configuration directory (default: $CLAUDE_CONFIG_DIR, else ~/.claude).",
    helpValue: '<dir>',
    helpGroup: 'AGENT',
  }),
  cwd: string({summary: 'The project directory (default: the current one).', helpValue: '<dir>', helpGroup: 'AGENT'}),
  'claude-bin': string({
    summary: 'The claude to run (default: the first on PATH outside the project).',
    helpValue: '<path>',
    helpGroup: 'AGENT',
  }),
  json: boolean({summary: 'Print one JSON object on stdout.', helpGroup: OUTPUT}),
  quiet: boolean({char: 'q', summary: 'No progress and no warnings.', helpGroup: OUTPUT}),
  verbose: boolean({char: 'v', summary: 'Log every store request to stderr; show stack traces.', helpGroup: OUTPUT}),
  'log-format': string({
    summary: 'Format of the log (default: text on stderr, json in a file).',
    helpValue: '<text|json>',
    helpGroup: OUTPUT,
  }),
  'log-file': string({summary: 'Append the log to this file.', helpValue: '<file>', helpGroup: OUTPUT}),
  'no-color': boolean({summary: 'No colours.', helpGroup: OUTPUT}),
  'no-input': boolean({summary: 'Never ask: what is missing is an error.', helpGroup: OUTPUT}),
})
