// A program with the Agent SDK that is told to end, or killed, in the middle of a turn.
//   sdk-program.js STORE ACKNOWLEDGED CLAUDE PROMPT eager|batched
// The `uuid` of every entry is written to the file ACKNOWLEDGED once its append has resolved.
import {appendFileSync} from 'node:fs'
import {query} from '@anthropic-ai/claude-agent-sdk'
import {closeOnSignal, createSessionStore} from 'reprise'

const [url, acknowledged, claude, prompt, sessionStoreFlush] = process.argv.slice(2)
const sessions = createSessionStore(url)
const sessionStore = {
  load: async (key) => sessions.load(key),
  listSubkeys: async (key) => sessions.listSubkeys(key),
  async append(key, entries) {
    await sessions.append(key, entries)
    appendFileSync(acknowledged, entries.flatMap(({uuid}) => (uuid ? `${uuid}\n` : [])).join(''))
  },
}
const abortController = new AbortController()
const working = work()
closeOnSignal(sessions, {
  before: () => {
    abortController.abort()
    return working
  },
})
await working.catch(() => undefined)

async function work() {
  const options = {sessionStore, sessionStoreFlush, abortController, pathToClaudeCodeExecutable: claude}
  for await (const {type} of query({prompt, options: {...options, allowedTools: ['Bash']}})) void type
}
