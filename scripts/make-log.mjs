// Writes a log such as 16 ranks of a long run leave: progress lines, NCCL INFO, warnings, tracebacks of things that
// were caught, and at its end why it stopped. The same seed gives the same bytes.
//   node scripts/make-log.mjs FILE BYTES [SEED [LINES]]: one traceback in so many lines
import { closeSync, openSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const RANKS = 16;
const BLOCK_BYTES = 1 << 20;
/** Blocks that differ, at most; a log is a sequence of them. */
const MOST_BLOCKS = 48;

/** Lines among which one is a traceback, in a run that goes well. */
const SELDOM = 20_000;

/**
 * @param bytes at least what the end takes, about 2 kB.
 * @param lines among which one is a traceback of something that was caught.
 */
export function makeLog(path, bytes, seed = 1, lines = SELDOM) {
  const random = generator(seed);
  const different = Math.min(MOST_BLOCKS, Math.ceil(bytes / BLOCK_BYTES));
  const blocks = Array.from({ length: different }, () => Buffer.from(block(random, 1 / lines)));
  const ending = Buffer.from(end());
  const file = openSync(path, 'w');
  try {
    writeSync(file, Buffer.from(start()));
    for (let left = bytes - ending.length; left > 0; ) {
      const next = blocks[Math.floor(random() * different)];
      const cut = left >= next.length ? next.length : next.lastIndexOf(0x0a, left) + 1;
      if (cut === 0) break;
      writeSync(file, next, 0, cut);
      left -= cut;
    }
    writeSync(file, ending);
  } finally {
    closeSync(file);
  }
}

function block(random, caughtShare) {
  const lines = [];
  for (let size = 0; size < BLOCK_BYTES; ) {
    const line = body(random, caughtShare);
    lines.push(line);
    size += line.length + 1;
  }
  return `${lines.join('\n')}\n`;
}

function body(random, caughtShare) {
  const rank = Math.floor(random() * RANKS);
  const step = Math.floor(random() * 120_000);
  const prefix = `${rank}: [default${rank % 8}]:`;
  const kind = random();
  if (kind < 0.4) {
    return `${prefix} iteration ${String(step).padStart(8)}/ 120000 | consumed samples: ${step * 1024} | elapsed time per iteration (ms): ${(6000 + random() * 900).toFixed(1)} | learning rate: ${(3e-4 * random()).toExponential(3)} | global batch size: 1024 | lm loss: ${(1.8 + random()).toExponential(6)} | loss scale: 1.0 | grad norm: ${random().toFixed(3)} | number of skipped iterations: 0 | number of nan iterations: 0 |`;
  }
  if (kind < 0.6) {
    const done = step % 1000;
    return `${prefix}{'loss': ${(1 + random()).toFixed(4)}, 'grad_norm': ${random().toFixed(4)}, 'learning_rate': ${(2e-5 * random()).toExponential(4)}, 'epoch': ${(step / 60_000).toFixed(2)}}\r${String(Math.floor(done / 10)).padStart(3)}%|${'█'.repeat(done % 10)}| ${done}/1000 [${done % 60}:12<1:02:${done % 60}, ${(2 + random()).toFixed(2)}s/it]`;
  }
  if (kind < 0.9) {
    const channel = String(step % 16).padStart(2, '0');
    return `${rank}: gnode${String(1 + (rank >> 3)).padStart(2, '0')}:${4000 + rank}:${5000 + rank} [${rank % 8}] NCCL INFO Channel ${channel}/0 : ${rank}[${rank}] -> ${(rank + 1) % RANKS}[${(rank + 1) % RANKS}] via P2P/CUMEM/read`;
  }
  if (kind < 1 - caughtShare) {
    return `${prefix}[2026-11-23 19:${String(step % 60).padStart(2, '0')}:${String(rank).padStart(2, '0')},512] [INFO] [logging.py:96:log_dist] [Rank ${rank}] step=${step}, skipped=0, lr=[${random().toExponential(3)}], mom=[(0.9, 0.95)], tokens seen ${step * 4096}`;
  }
  return caught(prefix, random);
}

/** A fetch that failed and was tried again. */
function caught(prefix, random) {
  const attempt = 1 + Math.floor(random() * 3);
  return [
    `${prefix}Traceback (most recent call last):`,
    `${prefix}  File "/opt/train/data/remote.py", line ${100 + attempt}, in fetch`,
    `${prefix}    return self.session.get(url, timeout=30)`,
    `${prefix}requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'))`,
    `${prefix}WARNING attempt ${attempt} of 5 failed, trying again in ${2 ** attempt} s`,
  ].join('\n');
}

function start() {
  return Array.from(
    { length: RANKS },
    (_, rank) =>
      `${rank}: gnode01:${4000 + rank}:${4000 + rank} [${rank % 8}] NCCL INFO Bootstrap : Using ib0:10.0.0.1<0>\n`,
  ).join('');
}

function end() {
  const complaints = Array.from(
    { length: RANKS },
    (_, rank) =>
      `${rank}: [default${rank % 8}]:torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1970, remote process exited or there was a network error\n`,
  ).join('');
  return `3: [default3]:Traceback (most recent call last):
3: [default3]:  File "/opt/train/pretrain.py", line 214, in <module>
3: [default3]:    loss.backward()
3: [default3]:torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 3 has a total capacity of 79.14 GiB of which 1.1 GiB is free.
${complaints}srun: error: gnode01: task 0: Exited with exit code 1
`;
}

/** mulberry32: a small generator that is the same everywhere. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, bytes, seed, lines] = process.argv.slice(2);
  if (path === undefined || !(Number(bytes) > 0))
    throw new Error('usage: make-log.mjs FILE BYTES [SEED [LINES]]');
  makeLog(path, Number(bytes), Number(seed ?? 1), Number(lines ?? SELDOM));
}
