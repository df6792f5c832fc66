import type { Command } from './command.ts';
import { sandboxCommand } from './sandbox.ts';

/** Every command, in the order of `opsctl --help`. */
export const commands: readonly Command[] = [sandboxCommand];
