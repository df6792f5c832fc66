// Adds up the runner's own results (Vitest's JSON) and ends with their exit code: DIR [FAILED_STEP ...]
// What failed is named again before the count: the end of a long output is what is kept of it.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [directory, ...failedSteps] = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };
let isWhole = failedSteps.length === 0;
for (const step of failedSteps) console.log(`failed: ${step}`);
for (const project of ['fast', 'e2e']) {
  try {
    const result = JSON.parse(readFileSync(join(directory, `${project}.json`), 'utf8'));
    count.passed += result.numPassedTests;
    count.failed += result.numFailedTests;
    count.skipped += result.numPendingTests + result.numTodoTests;
    isWhole &&= result.success;
    for (const file of result.testResults) nameFailures(file);
  } catch (error) {
    console.log(`the ${project} tests left no result: ${error.message}`);
    isWhole = false;
  }
}
// A file that cannot even be loaded has no test to count: it is a failure all the same.
if (!isWhole && count.failed === 0) count.failed = 1;
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;

function nameFailures(file) {
  const name = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed)
    console.log(`failed: ${name}: ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`);
  if (file.status === 'failed' && failed.length === 0)
    console.log(`failed: ${name}\n${firstLines(file.message)}`);
}

/** Enough of a message to know what went wrong; the whole is further up in the output. */
function firstLines(message) {
  const lines = message
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*node_modules/.test(line));
  return lines
    .slice(0, 12)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
}
