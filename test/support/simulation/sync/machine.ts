import {mkdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {silentLogger} from '../../../../src/base/logger.js'
import {Homes} from '../../../../src/store/home.js'
import {Parts} from '../../../../src/store/parts.js'
import type {SyncContext} from '../../../../src/sync/context.js'
import {FileSyncState} from '../../../../src/sync/sync-state.js'
import {discoverSession, type LocalSession} from '../../../../src/transcript/discover.js'
import {LocalCopy} from './local-copy.js'
import {MortalStore} from './mortal-store.js'
import {SESSION, type SyncWorld} from './world.js'

/** A reprise that runs on a machine. */
export interface Program {
  readonly name: string
  readonly context: SyncContext
  readonly isAlive: boolean
  /** Ends it at once, whatever it was doing. */
  kill(): void
}

/** A worker: its disk with one copy of the session, its clock, and the processes that run on it. */
export class Machine {
  readonly name: string
  readonly projectKey: string
  readonly copy: LocalCopy
  readonly #world: SyncWorld
  readonly #root: string
  readonly #skew: number
  readonly #running = new Map<number, Program>()

  constructor(world: SyncWorld, index: number, skew: number) {
    this.name = `w${index}`
    this.projectKey = `-${this.name}`
    this.#world = world
    this.#skew = skew
    this.#root = join(world.root, this.name)
    mkdirSync(join(this.configDir, 'projects'), {recursive: true})
    this.copy = new LocalCopy(
      join(this.configDir, 'projects', this.projectKey, `${SESSION}.jsonl`),
      () => world.network.now + this.#skew,
    )
  }

  get configDir(): string {
    return join(this.#root, '.claude')
  }

  /** @param state the state directory's name: a process mostly shares it with the others here. */
  async begin(state = 'state'): Promise<Program> {
    const {network, random} = this.#world
    const pid = this.#world.id()
    const name = `${this.name}.${pid}`
    const client = this.#world.client(name)
    const store = new MortalStore(client)
    const clock = client.clock(this.#skew)
    const context: SyncContext = {
      store,
      parts: new Parts(store),
      homes: new Homes(store),
      // Loops sleep with a signal, and for ever once they are killed; within a piece of work files may be open.
      clock: {...clock, sleep: (ms, signal) => (signal ? clock.sleep(ms, signal) : store.alive(clock.sleep(ms)))},
      random,
      machine: this.name,
      owner: {machine: this.name, boot: 'b', pidNamespace: 'n', pid, start: 's'},
      isDead: ({machine, pid: other}) => machine === this.name && !this.#running.has(other),
      state: await FileSyncState.open(join(this.#root, state), store.url, this.configDir),
      configDir: this.configDir,
      uid: process.getuid?.(),
      logger: {...silentLogger, warn: (what, facts) => network.say(name, what, facts?.['code'] ?? '')},
    }
    const running = this.#running
    const program: Program = {
      name,
      context,
      get isAlive() {
        return running.has(pid)
      },
      kill: () => {
        this.#running.delete(pid)
        store.kill()
      },
    }
    this.#running.set(pid, program)
    return program
  }

  /** Everything that runs here dies. */
  killAll(): void {
    for (const each of this.#running.values()) each.kill()
  }

  /** What reprise remembers is gone: only while nothing of it runs. */
  loseState(): void {
    for (const name of ['state', 'own-state']) rmSync(join(this.#root, name), {recursive: true, force: true})
  }

  async session(): Promise<LocalSession | undefined> {
    return (await discoverSession(this.configDir, SESSION)).sessions[0]
  }
}
