// @ts-check
/* eslint-disable no-console -- a program for a terminal */
// An agent whose session lives in a store, so that any worker can go on with its task:
//
//   node examples/agent.js TASK PROMPT [STORE]       STORE: s3://bucket/prefix, file:///directory or a path
//
// Run it again with the same task and store, in another directory or on another machine: the agent remembers. In a
// checkout, `npm run build` makes the package that is imported here.
import {query} from '@anthropic-ai/claude-agent-sdk'
import {closeOnSignal, createSessionStore, createTaskRegistry, trackTask} from 'reprise'

const [taskId, prompt, url = './agent-sessions'] = process.argv.slice(2)
if (taskId === undefined || prompt === undefined) {
  console.error('usage: node examples/agent.js TASK PROMPT [STORE]')
  process.exit(2)
}

// `home`: a session is found under the key it was first stored under, whatever this worker's directory is.
const sessionStore = createSessionStore(url, {
  projectKey: 'home',
  onEvent: (event) => {
    if (event.type === 'fail') console.error(`not stored yet: ${event.message}`)
  },
})
const registry = createTaskRegistry(url)

const abortController = new AbortController()
const working = work(taskId, prompt)
// An aborted query hands over all that it has before its loop ends.
const ignoreSignals = closeOnSignal(sessionStore, {
  before: () => {
    abortController.abort()
    return working
  },
})

try {
  await working
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  const {complete, pendingEntries} = await sessionStore.close()
  if (!complete) console.error(`${pendingEntries} entries are not stored; claude's own file of the session has them`)
  await registry.close()
  ignoreSignals()
}

async function work(/** @type {string} */ taskId, /** @type {string} */ prompt) {
  const task = await registry.find('task', taskId)
  console.error(task ? `resuming ${task.sessionId}` : 'a new session')
  const options = {sessionStore, abortController, allowedTools: ['Bash', 'Read'], ...(task && {resume: task.sessionId})}
  const {signal} = abortController
  const messages = trackTask(query({prompt, options}), {registry, taskId, signal, facts: {store: url}})
  for await (const message of messages) show(message)
}

function show(/** @type {import('@anthropic-ai/claude-agent-sdk').SDKMessage} */ message) {
  if (message.type === 'assistant') {
    for (const block of message.message.content) if (block.type === 'text') console.log(block.text)
  }
  if (message.type === 'system' && message.subtype === 'mirror_error') {
    console.error(`given up by the SDK, and still tried by the store: ${message.error}`)
  }
}
