/** Programs that start the command behind them. For each: its options that take the next word as value. */
const WRAPPERS: Readonly<Record<string, readonly string[]>> = {
  env: ['-u', '-C', '-S', '--unset', '--chdir'],
  nohup: [],
  exec: ['-a'],
  command: [],
  time: ['-o', '-f'],
  nice: ['-n', '--adjustment'],
  ionice: ['-c', '-n'],
  setsid: [],
  stdbuf: ['-i', '-o', '-e'],
  sudo: ['-u', '-g'],
  timeout: ['-k', '-s', '--kill-after', '--signal'],
  numactl: ['-N', '-m', '-C', '--cpunodebind', '--membind', '--physcpubind'],
  poetry: [],
  uv: [],
};
/** How many words of their own stand before the command: `timeout 60 …`, `uv run …`. */
const OPERANDS: Readonly<Record<string, number>> = { timeout: 1, poetry: 1, uv: 1 };

/** Words before the wrapped command, or undefined when it wraps none. */
export function wrappedAt(name: string, words: readonly string[]): number | undefined {
  if (name === 'singularity' || name === 'apptainer') return inContainer(words);
  const valued = WRAPPERS[name];
  if (!valued || ((name === 'uv' || name === 'poetry') && words[1] !== 'run')) return undefined;
  let index = 1;
  let operands = OPERANDS[name] ?? 0;
  for (; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word.startsWith('-')) {
      if (valued.includes(word)) index += 1;
    } else if (name === 'env' && /^\w+=/.test(word)) {
    } else if (operands > 0) {
      operands -= 1;
    } else {
      break;
    }
  }
  return index < words.length ? index : undefined;
}

/** `apptainer exec [options] IMAGE command`: its options are many, so the command is what follows an image's name. */
function inContainer(words: readonly string[]): number | undefined {
  if (words[1] !== 'exec') return undefined;
  const image = words.findIndex((word, index) => index > 1 && /\.(?:sif|simg|img)$|^docker:/.test(word));
  return image === -1 || image + 1 >= words.length ? undefined : image + 1;
}

const SHELLS = new Set(['bash', 'sh', 'dash', 'zsh']);

/** Index of the text that `bash -c`, `bash -lc` or `eval` runs; `stdin` when it reads a script from standard input. */
export function shellText(name: string, words: readonly string[]): number | 'stdin' | undefined {
  if (name === 'eval') return words.length === 2 ? 1 : undefined;
  if (!SHELLS.has(name)) return undefined;
  let index = 1;
  while (/^[-+]/.test(words[index] ?? '')) {
    const word = words[index] ?? '';
    if (/^-[a-z]*c[a-z]*$/.test(word)) return index + 1 < words.length ? index + 1 : undefined;
    if (word === '-s') return 'stdin';
    index += word === '-o' || word === '-O' || word === '+o' ? 2 : 1;
  }
  return index >= words.length ? 'stdin' : undefined;
}

/** `python -u -m torch.distributed.run …` starts torchrun. Index of the module's name, and what it is. */
export function pythonModule(
  name: string,
  words: readonly string[],
): { at: number; name: string } | undefined {
  if (!/^python[0-9.]*$/.test(name)) return undefined;
  const at = words.indexOf('-m') + 1;
  if (at === 0) return undefined;
  const module = words.slice(1, at - 1).every((word) => word.startsWith('-')) ? words[at] : undefined;
  if (module === undefined) return undefined;
  if (/^torch\.distributed\.(?:run|launch)$/.test(module)) return { at, name: 'torchrun' };
  if (/^accelerate\.commands\.launch$/.test(module)) return { at, name: 'accelerate' };
  return undefined;
}
