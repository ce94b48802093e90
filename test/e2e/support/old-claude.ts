import {installFromNpm} from '../../support/npm-tool.js'

const PACKAGE = '@anthropic-ai/claude-code'

/** A claude of an earlier version; or in one sentence why it cannot be had. */
export async function installClaude(version: string): Promise<{path?: string; reason?: string}> {
  return installFromNpm({
    name: `claude ${version}`,
    spec: `${PACKAGE}@${version}`,
    program: `${PACKAGE}-${process.platform}-${process.arch}/claude`,
  })
}
