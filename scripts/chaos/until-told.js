/** Aborts when the harness says that it is enough; a process whose harness is gone ends. */
export function untilTold() {
  const stopping = new AbortController()
  process.on('message', () => stopping.abort())
  process.on('disconnect', () => process.exit(1))
  return stopping.signal
}
