import type { Scheduler } from './entry.ts';
import type { Keeper } from './keeper.ts';
import { crontab, scrontab } from './tables.ts';
import { timer } from './timer.ts';

export const KEEPERS: Readonly<Record<Scheduler, Keeper>> = { scrontab, crontab, systemd: timer };
