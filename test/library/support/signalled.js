// A program that closes what it has when it is told to end, and says what it does.
//   signalled.js MODULES BEFORE CLOSE-MS      BEFORE: none, ok, fails, hangs
import {writeSync} from 'node:fs'
import {setTimeout as delay} from 'node:timers/promises'

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
    tell(`close ${Math.ceil(timeoutMs / 100) * 100}`)
    await delay(Number(closeMs))
    tell('closed')
    if (how === 'fails') throw new Error('close')
  },
}
closeOnSignal(store, {before: befores[how], timeoutMs: 1000})
setInterval(() => {}, 1000)
tell('ready')
