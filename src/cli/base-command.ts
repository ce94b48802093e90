import type {Command} from '@oclif/core/command'

import type {ArgInput, FlagInput, Input, ParserOutput} from '@oclif/core/interfaces'
import {parse} from '@oclif/core/parser'
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
 *
 * To oclif it is a command, by what it says of itself and by `run`. It does not extend oclif's own, which brings along what
 * finds plugins and draws help: that alone takes as long to load as Node to start.
 */
export abstract class BaseCommand {
  static id = ''
  static summary: string | undefined
  static description: string | undefined
  static examples: Command.Example[] | undefined
  static args: ArgInput = {}
  static flags: FlagInput = {}
  static baseFlags = sharedFlags
  static strict = true
  static aliases: string[] = []
  static hiddenAliases: string[] = []
  static hasDynamicHelp = false
  static enableJsonFlag = false

  protected readonly argv: string[]
  readonly #interruption = new Interruption()
  readonly #warnings: Warning[] = []
  #sources: FlagSources = new Map()
  #settings: Settings | undefined

  constructor(argv: string[]) {
    this.argv = argv
  }

  /** Runs the command that it is called on, with what stands behind its name. */
  static async run(this: new (argv: string[]) => BaseCommand, argv: string[]): Promise<void> {
    const command = new this(argv)
    try {
      await command.run()
      // A command that presents nothing has cleanups too.
      await command.#interruption.finish()
    } catch (error) {
      await command.#fail(error)
    }
  }

  abstract run(): Promise<void>

  /** The flags with the environment in them; only the command line's own value wins over a variable. */
  protected async parse<F extends Output, B extends Output, A extends Output>(
    options: Input<F, B, A>,
    argv = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    const known = {...options.baseFlags, ...options.flags}
    const parsed = await parse<F, B, A>(argv, withoutAmbientInput(options))
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
    const env = {...process.env}
    // The SDK announces on every start that it will drop Node 20 some day: our business, not the user's, and no variable for
    // the programs that are started with `env`.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
    const directories = ownDirectories(env)
    this.#settings = resolveSettings({
      flags,
      sources: this.#sources,
      config: await readUserConfig(directories.config, CONFIG_KEYS),
      env,
      workingDirectory: process.cwd(),
      dataDirectory: directories.data,
    })
    this.#interruption.listen()
    process.stdout.on('error', (error) => {
      if (isClosedPipe(error)) this.#interruption.readerGone()
      else throw error
    })
    return buildRuntime({
      settings: this.#settings,
      directories,
      env,
      home: directories.home,
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

  async #fail(error: unknown): Promise<never> {
    await this.#interruption.finish()
    const {received, hasReader} = this.#interruption
    if (received !== undefined) throw interrupted(received)
    if (!hasReader) (await import('@oclif/core/errors')).exit(0)
    throw error
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
    flags: mapValues({...input.baseFlags, ...input.flags}, (flag) => ({...flag, env: undefined})),
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
