import { execFileSync } from 'node:child_process';

/** Builds dist/ once, so that every test that runs the command line runs what users run. */
export default function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
