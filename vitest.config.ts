import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          globalSetup: ['test/build.ts'],
          // By itself the runner leaves one processor alone, which is half of a machine with two.
          maxWorkers: '100%',
          // Limits for what hangs, not for what is slow: the machine may have other work.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/build.ts'],
          // Real daemons on two cores, which mostly wait: two files at a time, each with a sandbox of its own, generous limits,
          // every wait polls.
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
