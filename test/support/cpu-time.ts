/**
 * A stopwatch that counts what this process worked, not how long it waited for a processor: limits on effort hold on a
 * loaded machine too.
 *
 * @returns the processor time since then, ms, of all threads.
 */
export function startCpuTime(): () => number {
  const start = process.cpuUsage()
  return () => {
    const {user, system} = process.cpuUsage(start)
    return (user + system) / 1000
  }
}
