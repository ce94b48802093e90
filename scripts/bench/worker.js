import {mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {runProgram} from './program.js'

/** A machine with a home of its own: nothing of this one's configuration reaches what runs on it. */
export class Worker {
  #program

  /**
   * @param {string} root the repository
   * @param {string} scratch where homes may be made
   * @param {Record<string, string>} env besides PATH and HOME
   */
  constructor(root, scratch, env) {
    this.#program = join(root, 'bin/run.js')
    this.home = realpathSync(mkdtempSync(join(scratch, 'worker-')))
    this.cwd = join(this.home, 'project')
    this.configDir = join(this.home, '.claude')
    mkdirSync(this.cwd)
    mkdirSync(join(this.configDir, 'projects'), {recursive: true})
    /** @type {Record<string, string>} */
    this.env = {PATH: process.env['PATH'] ?? '', HOME: this.home, NO_COLOR: '1', ...env}
    /** Where claude keeps the sessions of `cwd`. */
    this.projectKey = this.cwd.replaceAll(/[^A-Za-z0-9]/g, '-')
  }

  /**
   * A session's place on this machine.
   * @param {string} sessionId
   * @param {string} [projectKey] default: that of `cwd`
   * @returns {import('./transcripts.js').Place}
   */
  place(sessionId, projectKey = this.projectKey) {
    return {configDir: this.configDir, projectKey, sessionId}
  }

  /** @param {readonly string[]} argv */
  argumentsOf(argv) {
    return [this.#program, ...argv]
  }

  /** @param {readonly string[]} argv */
  async reprise(...argv) {
    return runProgram(process.execPath, this.argumentsOf(argv), this)
  }

  remove() {
    rmSync(this.home, {recursive: true, force: true})
  }
}

/**
 * Whether the built command line has a command.
 * @param {string} root
 * @param {string} command
 */
export function hasCommand(root, command) {
  return command in JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')).commands
}
