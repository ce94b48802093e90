import type {Processes} from '../../../src/transcript/processes.js'

/** Nothing that Claude notes down runs here: a machine of a simulation knows itself whether its claude does. */
export const noProcesses: Processes = {find: async () => undefined, domain: async () => undefined}
