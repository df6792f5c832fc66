import { basename } from 'node:path';

/**
 * The name of a run, after the form that the fault table's row 16 asks for: model, size, machines and time, such
 * as `chinese_llama_plus-13b-4n32g-20230524-0356`. The nodes are not known before Slurm has chosen them, so their
 * number (and that of the GPUs) stands where the original had the node's name.
 */
export function runName(model: string, nodes: number, gpus: number, now: Date): string {
  const machines = gpus > 0 ? `${nodes}n${gpus}g` : `${nodes}n`;
  return `${modelName(model)}-${machines}-${stamp(now)}`;
}

/** The last part of a path or hub id, in characters that a job and a directory may have; its size is part of it. */
export function modelName(model: string): string {
  const name = basename(model)
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 60);
  return name === '' ? 'model' : name;
}

/** Local time to the second, because two runs in a minute are common: 20230524-035612. */
export function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}
