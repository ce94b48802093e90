/**
 * Writes to stdout or stderr and waits until the operating system has it: a process that ends first loses what a pipe has
 * not taken (macOS). A reader that is gone (EPIPE) is no error of ours: it has seen what it wanted.
 */
export async function writeOut(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => {
      if (error && !isClosedPipe(error)) reject(error)
      else resolve()
    })
  })
}

export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}
