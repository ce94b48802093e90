// A program that closes what it has when it is told to end, and says what it does.
//   signalled.js MODULES BEFORE CLOSE-MS      BEFORE: none, ok, fails, hangs
import {writeSync} from 'node:fs'
import {setTimeout as delay} from 'node:timers/promises'

const TOTAL_MS = 3000
const [modules, how, closeMs] = process.argv.slice(2)
const {closeOnSignal} = await import(new URL('library/close-on-signal.js', modules).href)
const tell = (text) => writeSync(1, `${text}\n`)
const befores = {
  ok: async () => tell('before'),
  fails: async () => {
    throw new Error('before')
  },
  hangs: async () => new Promise(() => {}),
}
const store = {
  async close({timeoutMs}) {
    tell(timeoutMs > TOTAL_MS / 2 ? 'close' : `close in ${timeoutMs > 0 ? 'what is left' : 'no time'}`)
    await delay(Number(closeMs))
    tell('closed')
    if (how === 'fails') throw new Error('close')
  },
}
closeOnSignal(store, {before: befores[how], timeoutMs: TOTAL_MS})
setInterval(() => {}, 1000)
tell('ready')
