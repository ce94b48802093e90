import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Options, query, type Query, type SDKMessage} from '@anthropic-ai/claude-agent-sdk'
import {onTestFinished} from 'vitest'
import {deferred} from '../../../src/base/deferred.js'
import {claudeBinary, newWorker, type Worker} from '../../support/claude.js'
import {type ModelServer, startModelServer} from '../../support/model-server.js'

export interface QueryHost {
  readonly model: ModelServer
  /** A machine of its own; the model is the same for all. */
  worker(name?: string): Promise<Worker>
}

/** Where the SDK's real `query()` runs in a test, with the real claude and a model on the loopback interface. */
export async function startQueryHost(): Promise<QueryHost> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'reprise-sdk-'))
  const model = await startModelServer()
  onTestFinished(async () => {
    await model.close()
    await rm(root, {recursive: true, force: true, maxRetries: 5})
  })
  return {
    model,
    async worker(name = 'worker') {
      const env = {CLAUDE_CONFIG_DIR: join(root, name, 'home/.claude')}
      return newWorker({root: join(root, name), modelUrl: model.url, env})
    },
  }
}

export function startQuery(worker: Worker, prompt: string | Prompts, options: Options): Query {
  const {cwd, env} = worker
  return query({
    prompt,
    options: {
      pathToClaudeCodeExecutable: claudeBinary(),
      cwd,
      env: {...env},
      allowedTools: ['Bash', 'Agent', 'Write'],
      ...options,
    },
  })
}

export type Prompts = Exclude<Parameters<typeof query>[0]['prompt'], string>

/** Streaming input: each text is said when `next` is called after the one before it, and the input ends after the last. */
export function conversation(...texts: readonly string[]): {prompts: Prompts; next: () => void} {
  const gates = texts.map(() => deferred<void>())
  let at = 0
  async function* prompts(): Prompts {
    for (const [index, content] of texts.entries()) {
      yield {type: 'user', message: {role: 'user', content}, parent_tool_use_id: null}
      await gates[index]?.promise
    }
  }
  return {
    prompts: prompts(),
    next() {
      gates[at++]?.resolve()
    },
  }
}

/** Reads a query to its end. */
export async function messagesOf(stream: AsyncIterable<SDKMessage>): Promise<SDKMessage[]> {
  const messages: SDKMessage[] = []
  for await (const message of stream) messages.push(message)
  return messages
}

export function sessionOf(messages: readonly SDKMessage[]): string {
  const id = messages.find((message) => message.type === 'system' && message.subtype === 'init')?.session_id
  if (id === undefined) throw new Error('the query named no session')
  return id
}
