import {Command} from '@oclif/core/command'
import type {Input, ParserOutput} from '@oclif/core/interfaces'
import {maskSecrets} from '../base/mask.js'
import {ownDirectories} from './directories.js'
import {type FlagSources, readFlagVariable} from './environment.js'
import {sharedFlags} from './flags.js'
import {Interruption, interrupted} from './interruption.js'
import {jsonLine, successJson, type Warning, warningText} from './output.js'
import {buildRuntime, type Runtime} from './runtime.js'
import {CONFIG_KEYS, resolveSettings, type Settings} from './settings.js'
import {isClosedPipe, writeOut} from './standard-output.js'
import {readUserConfig} from './user-config.js'

type Output = Record<string, unknown>

/**
 * What all commands share. A command parses, makes one call, presents the result:
 *
 * ```ts
 * const {args, flags} = await this.parse(Push)
 * const runtime = await this.start(flags)
 * const result = await pushSessions({...})
 * await this.present(result, () => pushTable(result, runtime.screen))
 * ```
 *
 * Errors are thrown, never printed: `main` renders them, once.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = sharedFlags

  readonly #interruption = new Interruption()
  readonly #warnings: Warning[] = []
  #sources: FlagSources = new Map()
  #settings: Settings | undefined

  /** A command that hands signals on to a child process sets this to false and watches them itself. */
  protected readonly endsOnSignal: boolean = true

  /** The flags with the environment in them; only the command line's own value wins over a variable. */
  protected override async parse<F extends Output, B extends Output, A extends Output>(
    options?: Input<F, B, A>,
    argv = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    const known = {...this.ctor.baseFlags, ...this.ctor.flags}
    const parsed = await super.parse<F, B, A>(withoutAmbientInput(options ?? (this.ctor as Input<F, B, A>)), argv)
    const typed = new Set(parsed.raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])))
    const sources = new Map<string, string>([...typed].map((name) => [name, `--${name}`]))
    const flags: Record<string, unknown> = {...parsed.flags}
    for (const [name, flag] of Object.entries(known)) {
      const value = typed.has(name) ? undefined : readFlagVariable(flag, process.env)
      if (value === undefined || flag.env === undefined) continue
      flags[name] = value
      sources.set(name, flag.env)
    }
    this.#sources = sources
    return {...parsed, flags: flags as typeof parsed.flags}
  }

  /**
   * Settings, log, progress and stores for this run; from here on signals end the command in order.
   * @throws SETTING_INVALID, CONFIG_INVALID, LOG_FILE_UNWRITABLE.
   */
  protected async start(flags: Readonly<Record<string, unknown>>): Promise<Runtime> {
    const directories = ownDirectories(this.config, process.env)
    this.#settings = resolveSettings({
      flags,
      sources: this.#sources,
      config: await readUserConfig(directories.config, CONFIG_KEYS),
      env: process.env,
      workingDirectory: process.cwd(),
      dataDirectory: directories.data,
    })
    if (this.endsOnSignal) this.#interruption.listen()
    process.stdout.on('error', (error) => {
      if (isClosedPipe(error)) this.#interruption.readerGone()
      else throw error
    })
    return buildRuntime({
      settings: this.#settings,
      directories,
      env: process.env,
      home: this.config.home,
      interruption: this.#interruption,
      mask: maskSecrets,
      warn: (warning) => this.#warn(warning),
    })
  }

  /**
   * Ends the command's work: cleanups run (progress is off the screen before the result is on it), then the result is
   * printed as text or, with `--json`, in the envelope.
   *
   * @param text what people read; not called with `--json`, so it may load what draws a table. An empty text prints nothing.
   * @param exitCode of a command that did its work but not all of it (`worstExitCode`).
   */
  protected async present(result: unknown, text: () => string | Promise<string>, exitCode = 0): Promise<void> {
    await this.#interruption.finish()
    const output = this.#settings?.json ? successJson(result, this.#warnings) : endWithNewline(await text())
    await writeOut(process.stdout, output)
    process.exitCode = exitCode
  }

  /** One line of NDJSON, or of text, while a following command goes on. */
  protected async emit(result: unknown, text: () => string): Promise<void> {
    await writeOut(process.stdout, this.#settings?.json ? jsonLine(result) : endWithNewline(text()))
  }

  /** oclif's own would print here and answer 1 to everything: `main` renders what comes out of a command. */
  protected override async catch(error: unknown): Promise<never> {
    await this.#interruption.finish()
    const {received, hasReader} = this.#interruption
    if (received !== undefined) throw interrupted(received)
    if (!hasReader) this.exit(0)
    throw error
  }

  /** Also of a command that presents nothing on stdout: a claude had it. */
  protected override async finally(): Promise<void> {
    await this.#interruption.finish()
  }

  override jsonEnabled(): boolean {
    return this.#settings?.json ?? false
  }

  #warn(warning: Warning): void {
    this.#warnings.push(warning)
    const {json, quiet} = this.#settings ?? {}
    if (!json && !quiet) process.stderr.write(maskSecrets(warningText(warning)))
  }
}

/**
 * oclif would read a variable itself (without telling whether it or the command line spoke), and fill a missing argument
 * from stdin, which belongs to the agent that is launched.
 */
function withoutAmbientInput<F extends Output, B extends Output, A extends Output>(
  input: Input<F, B, A>,
): Input<F, B, A> {
  const quiet = {
    ...input,
    flags: mapValues(input.flags, (flag) => ({...flag, env: undefined})),
    baseFlags: mapValues(input.baseFlags, (flag) => ({...flag, env: undefined})),
    args: mapValues(input.args, (arg) => ({...arg, ignoreStdin: true})),
  }
  return quiet as unknown as Input<F, B, A>
}

function mapValues(record: object | undefined, change: (value: object) => object): object {
  return Object.fromEntries(Object.entries(record ?? {}).map(([key, value]: [string, object]) => [key, change(value)]))
}

function endWithNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
