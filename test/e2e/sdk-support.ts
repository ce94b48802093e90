import {type Options, type SDKMessage} from '@anthropic-ai/claude-agent-sdk'
import {createSessionStore, S3SessionStore, type SessionStoreOptions} from '../../src/library/session-store.js'
import type {MirrorSessionStore} from '../../src/sdk/session-store.js'
import {messagesOf, type Prompts, startQuery} from '../sdk/support/query.js'
import {clientFor} from '../support/strict-s3-clients.js'
import type {FleetWorker} from './support/fleet.js'
import type {Place} from './support/places.js'

/** A session store over the place where the command line of a fleet stores, as a program of another machine opens it. */
export function openSessions({server, env}: Place, options: SessionStoreOptions = {}): MirrorSessionStore {
  const given: SessionStoreOptions = {projectKey: 'home', ...options}
  if (!server) return createSessionStore(env['REPRISE_STORE'] ?? '', given)
  return new S3SessionStore({bucket: server.bucket, prefix: 'transcripts', client: clientFor(server), ...given})
}

/** A query on a worker, read to its end. */
export async function ask(
  worker: FleetWorker,
  prompt: string | Prompts,
  options: Options,
  each: (message: SDKMessage) => void = () => undefined,
): Promise<SDKMessage[]> {
  async function* seen(): AsyncGenerator<SDKMessage> {
    for await (const message of startQuery(asProgram(worker), prompt, options)) {
      each(message)
      yield message
    }
  }
  return messagesOf(seen())
}

/** With the config dir that the SDK looks below; it would take this process's home. */
export function asProgram({machine}: FleetWorker): FleetWorker['machine'] {
  return {...machine, env: {...machine.env, CLAUDE_CONFIG_DIR: machine.configDir}}
}

/** What claude answered in the end. */
export function answerOf(messages: readonly SDKMessage[]): string {
  const last = messages.at(-1)
  if (last?.type !== 'result' || last.subtype !== 'success') throw new Error(`no answer: ${JSON.stringify(last)}`)
  return last.result
}

/** Of a local file's lines those that the SDK mirrors. */
export function mirroredOf(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.startsWith('{"type":"api-request'))
}

/** `uuid`s that are there more than once. */
export function twice(lines: readonly string[]): string[] {
  const uuids = lines.flatMap((line) => (JSON.parse(line) as {uuid?: string}).uuid ?? [])
  return uuids.filter((uuid, index) => uuids.indexOf(uuid) !== index)
}
