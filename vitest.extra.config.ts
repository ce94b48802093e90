import {defineConfig} from 'vitest/config'

// Against programs that are not everywhere: independent servers, other tools. Each test says plainly when it is skipped.
export default defineConfig({
  test: {
    include: ['test/extra/**/*.extra.ts'],
    disableConsoleIntercept: true,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    passWithNoTests: true,
  },
})
