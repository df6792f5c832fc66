import type { ShellCommand } from '../shell/command.ts';

/** What runs until it is stopped. */
const SERVER =
  /^(?:vllm serve|trl vllm-serve|ray start .*--block|tensorboard|jupyter|sglang|text-generation-launcher)/;
const MODULE =
  /-m (?:vllm\.entrypoints|sglang\.launch_server|openrlhf\.cli\.serve_rm|trl\.scripts\.vllm_serve|lmdeploy)/;

/** The server's name, or undefined for a command that ends by itself. */
export function serverName({ words }: ShellCommand): string | undefined {
  const line = words
    .slice(0, 30)
    .map(({ value }) => value)
    .join(' ');
  return SERVER.exec(line)?.[0].split(' ').slice(0, 2).join(' ') ?? MODULE.exec(line)?.[0].slice(3);
}
