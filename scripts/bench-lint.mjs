// Lint of 1,000 batch scripts as a ratio to shellcheck on the same files: run by scripts/bench.mjs, or by itself.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILES = 1000;
/** shellcheck takes half a second a file: it reads this many of them, and its time is counted for all. */
const CHECKED = 40;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Milliseconds of both for the same files; undefined where shellcheck is not installed. */
export function benchLint() {
  if (spawnSync('shellcheck', ['--version']).status !== 0) return undefined;
  const place = mkdtempSync(join(tmpdir(), 'opsctl-bench-lint-'));
  try {
    const golden = join(root, 'test', 'golden');
    const scripts = readdirSync(golden)
      .filter((name) => name.endsWith('.sbatch'))
      .map((name) => readFileSync(join(golden, name), 'utf8'));
    // Each file is another text, so that nothing can be remembered from one to the next.
    const files = Array.from({ length: FILES }, (_, index) => {
      const file = join(place, `${index}.sbatch`);
      writeFileSync(file, `${scripts[index % scripts.length]}# ${index}\n`);
      return file;
    });
    const opsctl = [join(root, 'bin', 'opsctl.cjs'), 'lint', '--json', ...files];
    return {
      subject: time(process.execPath, opsctl),
      reference: (time('shellcheck', files.slice(0, CHECKED)) * FILES) / CHECKED,
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function time(program, argv) {
  const start = performance.now();
  const result = spawnSync(program, argv, { stdio: 'ignore' });
  // 1 and 2 say that something was found.
  if (result.status === null || result.status > 2) throw new Error(`${program} ended with ${result.status}`);
  return performance.now() - start;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = benchLint();
  if (result === undefined) console.log('shellcheck is not installed here');
  else
    console.log(
      `${(result.subject / result.reference).toFixed(3)}  opsctl lint / shellcheck, ${FILES} files  ${result.subject.toFixed(0)} / ${result.reference.toFixed(0)} ms`,
    );
}
