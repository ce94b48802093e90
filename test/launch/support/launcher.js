// Stands for reprise: launches what its arguments say, and prints how it ended on stderr.
//   launcher.js MODULES GRACE-MS PROGRAM ARG…        MODULES: the URL of the compiled src/
const [modules, grace, program, ...args] = process.argv.slice(2)
const {launchClaude, exitCodeOfChild} = await import(new URL('launch/child.js', modules).href)
const {systemClock} = await import(new URL('base/system.js', modules).href)
const plan = {sessionId: '', argv: [program, ...args], env: {}, cwd: process.cwd()}
const child = await launchClaude(plan, {env: process.env, clock: systemClock, graceMs: Number(grace)})
const end = await child.ended
process.stderr.write(JSON.stringify(end))
process.exitCode = exitCodeOfChild(end)
