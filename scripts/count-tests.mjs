// Adds up the runner's own results (Vitest's JSON) and ends with their exit code: DIR FAILED_STEPS
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory, failedSteps] = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };
let isWhole = true;
for (const project of ['fast', 'e2e']) {
  try {
    const result = JSON.parse(readFileSync(join(directory, `${project}.json`), 'utf8'));
    count.passed += result.numPassedTests;
    count.failed += result.numFailedTests;
    count.skipped += result.numPendingTests + result.numTodoTests;
    isWhole &&= result.success;
  } catch (error) {
    console.log(`the ${project} tests left no result: ${error.message}`);
    isWhole = false;
  }
}
// A file that cannot even be loaded has no test to count: it is a failure all the same.
if ((!isWhole || failedSteps !== '0') && count.failed === 0) count.failed = 1;
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;
