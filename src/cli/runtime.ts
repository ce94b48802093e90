import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Progress} from '../base/progress.js'
import {systemClock, systemRandom} from '../base/system.js'
import type {Observer} from '../metrics/observer.js'
import type {PlaceholderValues, StoreUrl} from '../object-store/store-url.js'
import type {LeaseOwner} from '../registry/lease-record.js'
import type {Directories} from './directories.js'
import type {Environment} from './environment.js'
import type {Interruption} from './interruption.js'
import {openLog} from './log.js'
import {openObservation} from './observation.js'
import type {OpenedStore} from './open-store.js'
import type {Warning} from './output.js'
import {openProgress} from './progress.js'
import {lookAtScreen, type Screen} from './screen.js'
import type {Settings} from './settings.js'

/** Everything ambient that a command hands to its use case, built once a run: below `cli/` nothing is ambient. */
export interface Runtime {
  readonly settings: Settings
  readonly directories: Directories
  readonly env: Environment
  readonly home: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly progress: Progress
  /** Told of retries by every store that is opened. */
  readonly observe: Observer
  readonly screen: Screen
  /** Aborts on SIGINT, SIGTERM and SIGHUP, and when the reader of stdout is gone. */
  readonly signal: AbortSignal
  /** Those signals end the run no more: a child gets them, and whoever started it listens by now. */
  handOverSignals(): void
  /** Runs when the command ends, however it ends, the last registered first. */
  onCleanup(cleanup: () => Promise<void> | void): void
  /** Told to the person on stderr, or in the envelope with `--json`; not at all with `--quiet`. */
  warn(warning: Warning): void
  /** This process as the owner of a lease. */
  owner(): Promise<LeaseOwner>
  /** What this machine says of `{user}` and `{machine}` in a store's URL; `{task}` is the command's to say. */
  placeholders(): Promise<PlaceholderValues>
  /** The run's own stores, as given: placeholders are still open. At least one; writing commands use the first. */
  storeUrls(): Promise<readonly StoreUrl[]>
  /** Opens a store; it is closed when the command ends. */
  openStore(url: StoreUrl): Promise<OpenedStore>
}

export interface RuntimeOptions {
  readonly settings: Settings
  readonly directories: Directories
  readonly env: Environment
  readonly home: string
  readonly interruption: Interruption
  readonly mask: (text: string) => string
  warn(warning: Warning): void
}

/** @throws LOG_FILE_UNWRITABLE, METRICS_FILE_UNWRITABLE, EMF_LAYOUT_INVALID. */
export async function buildRuntime(options: RuntimeOptions): Promise<Runtime> {
  const {settings, env, interruption, mask} = options
  const screen = lookAtScreen({env, noColor: settings.noColor, noInput: settings.noInput})
  const log = await openLog({verbose: settings.verbose, file: settings.logFile, format: settings.logFormat, mask})
  interruption.onCleanup(() => log.close())
  const logsToStderr = settings.verbose && settings.logFile === undefined
  const progress = await openProgress({
    silent: settings.quiet || settings.json,
    // listr2 asks NO_COLOR alone, and draws one letter a line where a terminal does not say how wide it is.
    live:
      screen.stderrIsTerminal &&
      process.stderr.columns > 0 &&
      !logsToStderr &&
      !settings.noColor &&
      env['TERM'] !== 'dumb',
  })
  interruption.onCleanup(() => progress.close())
  const {observe, close} = await openObservation({
    metrics: settings.metrics,
    namespace: settings.metricsNamespace,
    clock: systemClock,
    machine: async () => (await owner()).machine,
    warn: (warning) => options.warn(warning),
  })
  interruption.onCleanup(close)
  const shared = {settings, clock: systemClock, random: systemRandom, logger: log.logger, observe}
  return {
    ...shared,
    directories: options.directories,
    env,
    home: options.home,
    progress,
    screen,
    signal: interruption.signal,
    handOverSignals: () => interruption.handOver(),
    onCleanup: (cleanup) => interruption.onCleanup(cleanup),
    warn: (warning) => options.warn(warning),
    owner,
    async placeholders() {
      const {placeholdersOfMachine} = await import('./machine.js')
      return placeholdersOfMachine()
    },
    async storeUrls() {
      const {parseStoreUrl} = await import('../object-store/store-url.js')
      return settings.stores.map((text) => parseStoreUrl(text, {cwd: process.cwd()}))
    },
    async openStore(url) {
      const {openStore} = await import('./open-store.js')
      const opened = await openStore(url, {...shared, env})
      interruption.onCleanup(() => opened.store.close())
      return opened
    },
  }
}

async function owner(): Promise<LeaseOwner> {
  const {thisProcess} = await import('./machine.js')
  return thisProcess()
}
