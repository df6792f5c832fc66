// How often the diagnosis is right on labelled excerpts of real logs: one JSON object a line with id, label, sure
// and text. Prints a table per label, the confusions, and what was wrong. `npm run accuracy -- [FILE]... [--json]`;
// without a file, the corpus beside the checkout where it is, and the excerpts among the tests' fixtures. `--leave-out`
// takes away the rules of each excerpt's own fault: whatever else it is called, it must not be called healthy.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundled } from './bundled.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const asJson = process.argv.includes('--json');
const leaveOut = process.argv.includes('--leave-out');
const named = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const fixtures = join(root, 'test', 'fixtures');
const ours = readdirSync(fixtures)
  .filter((name) => /^excerpts(?:-\d+)?\.jsonl$/.test(name))
  .map((name) => join(fixtures, name));
const corpus = ['..', '../..'].map((up) => join(root, up, 'shared', 'corpus', 'dev.jsonl'));
const files = named.length > 0 ? named : [...corpus.filter((path) => existsSync(path)).slice(0, 1), ...ours];

/** Pairs of which either id is fair: the corpus' own list. */
const EITHER = JSON.parse(readFileSync(join(fixtures, 'either.json'), 'utf8'));
/** From this confidence on a wrong answer could make automation act. */
const CONFIDENT = 0.8;
/** One excerpt in about this many is held out: rules are tuned without looking at those. */
const HELD_OUT_OF_FIVE = 2;

const { diagnose, loadRunbooks } = await bundled(
  "export { diagnose } from './src/diagnosis/diagnose.ts'; export { loadRunbooks } from './src/runbook/load.ts';",
);
const runbooks = await loadRunbooks({ env: { ...process.env, OPSCTL_RUNBOOKS: join(root, 'none') } });
const results = [];
for (const file of files) {
  const answers = [];
  for (const line of readFileSync(file, 'utf8').trim().split('\n'))
    answers.push(await answer(JSON.parse(line)));
  results.push({ file, answers });
}
if (asJson) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
else {
  for (const { file, answers } of results) {
    console.log(`\n${file}`);
    if (leaveOut) reportLeftOut(answers);
    else report(answers);
  }
}

async function answer({ id, label, sure, text }) {
  const known = leaveOut ? runbooks.filter(({ fault }) => fault !== label) : runbooks;
  const result = await diagnose(known, [{ name: id, chunks: [Buffer.from(text)] }]);
  const [cause] = result.causes;
  const got = result.status === 'diagnosed' ? cause.fault : result.status;
  const outcome = same(got, label) ? 'right' : got === 'unknown' ? 'unknown' : 'wrong';
  return { id, label, sure, got, outcome, confidence: cause?.confidence ?? null, held: isHeldOut(id) };
}

function report(all) {
  const sure = all.filter((answer) => answer.sure);
  const labels = [...new Set(all.map(({ label }) => label))].sort();
  console.log(row('label', 'right', 'wrong', 'unknown', 'unsure: right', 'wrong', 'unknown'));
  for (const label of labels) {
    const of = (list) => counts(list.filter((answer) => answer.label === label));
    console.log(row(label, ...of(sure), ...of(all.filter((answer) => !answer.sure))));
  }
  console.log(row('all', ...counts(sure), ...counts(all.filter((answer) => !answer.sure))));
  // The corpus' own: measured before it was opened the held-out part was 92.7 % right; its misses have been worked on.
  for (const [name, held] of [
    ['tuned part', false],
    ['held-out part (opened since)', true],
  ]) {
    const part = sure.filter((each) => each.held === held);
    console.log(`${name}: ${percent(part)} of ${part.length} sure root causes right`);
  }
  console.log(`sure: ${percent(sure)} of ${sure.length} right`);
  const alarms = all.filter(
    ({ label, got }) => label === 'healthy' && got !== 'healthy' && got !== 'unknown',
  );
  console.log(`faults named on healthy logs: ${alarms.length}`);
  const confident = sure.filter(({ outcome, confidence }) => outcome === 'wrong' && confidence >= CONFIDENT);
  console.log(`wrong with confidence >= ${CONFIDENT}: ${confident.length}`);
  for (const { id, label, got, sure: certain, confidence, outcome } of all) {
    if (outcome !== 'right')
      console.log(`  ${certain ? 'sure  ' : 'unsure'} ${label} -> ${got} (${confidence ?? '-'})  ${id}`);
  }
}

function reportLeftOut(all) {
  const faults = all.filter(({ label }) => label !== 'healthy');
  const labels = [...new Set(faults.map(({ label }) => label))].sort();
  const of = (list) =>
    [
      ({ got }) => got === 'unknown',
      ({ confidence }) => confidence !== null,
      ({ got }) => got === 'healthy',
    ].map((test) => list.filter(test).length);
  console.log(row('fault without its rules', 'unknown', 'another fault', 'healthy'));
  for (const label of labels) console.log(row(label, ...of(faults.filter((each) => each.label === label))));
  console.log(row('all', ...of(faults)));
  for (const { id, label, got } of faults) if (got === 'healthy') console.log(`  ${label} -> healthy  ${id}`);
}

function counts(list) {
  return ['right', 'wrong', 'unknown'].map(
    (outcome) => list.filter((answer) => answer.outcome === outcome).length,
  );
}

function percent(list) {
  const right = list.filter(({ outcome }) => outcome === 'right').length;
  return `${((100 * right) / Math.max(1, list.length)).toFixed(1)} %`;
}

function row(label, ...numbers) {
  return label.padEnd(30) + numbers.map((number) => String(number || '.').padStart(14)).join('');
}

function same(got, label) {
  return got === label || EITHER.some((pair) => pair.includes(got) && pair.includes(label));
}

/** By a hash of the id, so that it was fixed before anyone read the excerpts. */
function isHeldOut(id) {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return Number.parseInt(hash, 16) % 5 >= 5 - HELD_OUT_OF_FIVE;
}
