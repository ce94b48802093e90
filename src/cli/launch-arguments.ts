/** What stands before `--` is ours, what stands behind it is claude's. */
export function splitArguments(argv: readonly string[]): {readonly own: string[]; readonly claude: string[]} {
  const at = argv.indexOf('--')
  return at === -1 ? {own: [...argv], claude: []} : {own: argv.slice(0, at), claude: argv.slice(at + 1)}
}
